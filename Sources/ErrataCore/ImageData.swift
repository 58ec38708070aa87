import Datasets

/// A data set in its two published parts.
public struct ImageData: Sendable {
    /// What a search splits into D_tr and D_val, and what a found network is trained on.
    public let training: any Dataset
    public let test: any Dataset
    /// What is to be said of them when a run begins, a line each: that they are not the published images, that
    /// files were skipped.
    public let notices: [String]

    /// - Parameters:
    ///   - training: what a search splits.
    ///   - test: what a found network is tested on.
    ///   - notices: lines for the reader of a run; none by default.
    /// - Throws: `DatasetError` if the parts differ in size or classes, or two classes have one name.
    public init(training: any Dataset, test: any Dataset, notices: [String] = []) throws {
        try requireClassNames(training.classNames, of: training.name)
        guard training.height == test.height, training.width == test.width,
            training.channels == test.channels, training.classNames == test.classNames
        else {
            throw DatasetError(
                training.name,
                "training images are \(training.height)×\(training.width)×\(training.channels) of "
                    + "\(training.classNames.count) classes, test images \(test.height)×\(test.width)×"
                    + "\(test.channels) of \(test.classNames.count), expected the same")
        }
        self.training = training
        self.test = test
        self.notices = notices
    }

    public var images: ImageSpecification {
        ImageSpecification(
            height: training.height, width: training.width, channels: training.channels,
            classes: training.classNames.count)
    }
}
