import Datasets
import ErrataCore

struct IDXConfiguration: Configuration {
    var images = PathSetting()
    var labels = PathSetting()
    var testImages = PathSetting()
    var testLabels = PathSetting()
    var classNames: [String] = []
    var range: [Double]?
    var padding = 0

    static var fields: [ConfigurationField<Self>] {
        [
            .init("images", \.images, "the file of training images [N, H, W] or [N, H, W, C]"),
            .init("labels", \.labels, "the file of their labels"),
            .init("test_images", \.testImages, "the file of test images"),
            .init("test_labels", \.testLabels, "the file of their labels"),
            .init("class_names", \.classNames, "a name for each class, in the labels' order", .notEmpty),
            .range(\.range),
            .init("padding", \.padding, "black pixels added on each side", .within(0...64)),
        ]
    }

    func validate() throws {
        let files = [images, labels, testImages, testLabels]
        guard !files.contains(PathSetting()), !classNames.isEmpty else {
            throw DatasetError("idx", "images, labels, test_images, test_labels and class_names are needed")
        }
        try requireClassNames(classNames, of: "idx")
        _ = try sampleRange(range)
    }

    func load() throws -> ImageData {
        func part(_ images: PathSetting, _ labels: PathSetting) throws -> any Dataset {
            try PaddedDataset(
                ArrayDataset(
                    idxImages: images.path, labels: labels.path, classNames: classNames,
                    range: sampleRange(range)),
                padding: padding
            )
        }
        return try ImageData(training: part(images, labels), test: part(testImages, testLabels))
    }
}
