import Datasets
import ErrataCore

/// Settings of images and labels in arrays of NumPy's or HDF5's.
struct ArraysConfiguration: Configuration {
    var path = PathSetting()
    var testPath: PathSetting?
    var images = "x_train"
    var labels = "y_train"
    var testImages = "x_test"
    var testLabels = "y_test"
    var classNames: [String] = []
    var range: [Double]?
    var channelsFirst = false

    static var fields: [ConfigurationField<Self>] {
        [
            .init("path", \.path, "the file: .npz, .npy or HDF5, by what is in it"),
            .init("test_path", \.testPath, "the file of the test arrays, where that is another"),
            .init(
                "images", \.images,
                "the array of training images [N, H, W] or [N, H, W, C]; of HDF5 `group/name` too"),
            .init("labels", \.labels, "the array of their labels, whole numbers from 0, [N] or [N, 1]"),
            .init("test_images", \.testImages, "the array of test images"),
            .init("test_labels", \.testLabels, "the array of their labels"),
            .init(
                "class_names", \.classNames,
                "a name for each class, in the labels' order; their numbers where empty"),
            .range(\.range),
            .init("channels_first", \.channelsFirst, "whether images are [N, C, H, W], as PyTorch has them"),
        ]
    }

    func validate() throws {
        guard path != PathSetting() else {
            throw DatasetError("arrays", "path is needed: a file of arrays, .npz or HDF5")
        }
        _ = try sampleRange(range)
        if !classNames.isEmpty { try requireClassNames(classNames, of: "arrays") }
    }

    func load() throws -> ImageData {
        func part(_ path: PathSetting, _ images: String, _ labels: String, _ classNames: [String]?) throws
            -> ArrayDataset
        {
            try ArrayDataset(
                images: NumericArray(contentsOf: path.path, array: images),
                labels: NumericArray(contentsOf: path.path, array: labels), classNames: classNames,
                range: sampleRange(range), isChannelsFirst: channelsFirst)
        }
        let training = try part(path, images, labels, classNames.isEmpty ? nil : classNames)
        let test = try part(
            testPath ?? path, testImages, testLabels, training.classNames)
        return try ImageData(training: training, test: test)
    }
}

extension ConfigurationField {
    static func range(_ path: any WritableKeyPath<Root, [Double]?> & Sendable) -> Self {
        .init(
            "range", path,
            "the numbers that are black and white, [0, 255]; null takes bytes as they are, and other numbers from 0 to 1"
        )
    }
}

/// The range of a setting of two numbers.
func sampleRange(_ numbers: [Double]?) throws -> ClosedRange<Double>? {
    guard let numbers else { return nil }
    guard numbers.count == 2, numbers[0] < numbers[1] else {
        throw DatasetError("range", "\(numbers), expected two numbers, the second larger")
    }
    return numbers[0]...numbers[1]
}
