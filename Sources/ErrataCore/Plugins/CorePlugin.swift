import Datasets
import TensorEngine

/// What needs no module of its own: the class weighters, the hypergradients, the data sets.
struct CorePlugin: Plugin {
    func register(in registry: inout PluginRegistry) throws {
        try registry.weighters.add(
            .init(
                "validation-loss", "the first classifier's validation loss on each class (Eq. 3)",
                configuration: ValidationLossConfiguration.self
            ) { settings, _ in ValidationLossWeighter(absentClasses: settings.absentClasses) })
        try registry.weighters.add(
            .init("uniform", "1 for every class: synthetic images without learning from mistakes") {
                UniformWeighter()
            })
        try registerHypergradients(in: &registry)
        try registry.datasets.add(
            .init(
                "fashion-mnist", "60,000 training and 10,000 test images of clothing, 28×28 grey, padded",
                configuration: FashionMNISTConfiguration.self
            ) { settings, _ in
                try ImageData(
                    training: PaddedDataset(
                        FashionMNIST.load(directory: settings.directory.path, split: .train),
                        padding: settings.padding),
                    test: PaddedDataset(
                        FashionMNIST.load(directory: settings.directory.path, split: .test),
                        padding: settings.padding))
            })
        try registry.datasets.add(
            .init(
                "idx", "images and labels in IDX files, plain or gzipped",
                configuration: IDXConfiguration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "procedural", "shapes and gratings drawn on demand, for tests",
                configuration: ProceduralConfiguration.self
            ) { settings, _ in
                func part(_ count: Int, _ label: String) throws -> ProceduralDataset {
                    try ProceduralDataset(
                        count: count, height: settings.height, width: settings.width,
                        channels: settings.channels, classes: settings.classes, noise: settings.noise,
                        random: RandomStream(seed: UInt64(settings.seed), label))
                }
                return try ImageData(
                    training: part(settings.count, "training"), test: part(settings.testCount, "test"))
            })
    }
}

extension ValidationLossWeighter.AbsentClasses: ConfigurationChoice {}

private struct ValidationLossConfiguration: Configuration {
    var absentClasses = ValidationLossWeighter.AbsentClasses.runningEstimate

    static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "absent_classes", \.absentClasses,
                "the weight of a class that the validation batch lacks: its running mean, none, or the mean of "
                    + "the others")
        ]
    }
}

private struct FashionMNISTConfiguration: Configuration {
    var directory = PathSetting(FashionMNIST.defaultDirectory)
    var padding = 2

    static var fields: [ConfigurationField<Self>] {
        [
            .init("directory", \.directory, "where the four files are"),
            .init("padding", \.padding, "black pixels added on each side", .within(0...64)),
        ]
    }
}

private struct IDXConfiguration: Configuration {
    var images = PathSetting()
    var labels = PathSetting()
    var testImages = PathSetting()
    var testLabels = PathSetting()
    var classNames: [String] = []
    var padding = 0

    static var fields: [ConfigurationField<Self>] {
        [
            .init("images", \.images, "the file of training images [N, H, W] or [N, H, W, C]"),
            .init("labels", \.labels, "the file of their labels"),
            .init("test_images", \.testImages, "the file of test images"),
            .init("test_labels", \.testLabels, "the file of their labels"),
            .init("class_names", \.classNames, "a name for each class, in the labels' order", .notEmpty),
            .init("padding", \.padding, "black pixels added on each side", .within(0...64)),
        ]
    }

    func validate() throws {
        let files = [images, labels, testImages, testLabels]
        guard !files.contains(PathSetting()), !classNames.isEmpty else {
            throw DatasetError("idx", "images, labels, test_images, test_labels and class_names are needed")
        }
        try requireClassNames(classNames, of: "idx")
    }

    func load() throws -> ImageData {
        func part(_ images: PathSetting, _ labels: PathSetting) throws -> any Dataset {
            try PaddedDataset(
                IDXDataset(images: images.path, labels: labels.path, classNames: classNames),
                padding: padding)
        }
        return try ImageData(training: part(images, labels), test: part(testImages, testLabels))
    }
}

private struct ProceduralConfiguration: Configuration {
    var count = 2000
    var testCount = 500
    var height = 32
    var width = 32
    var channels = 1
    var classes = 10
    var noise = 0.08
    var seed = 0

    static var fields: [ConfigurationField<Self>] {
        [
            .init("count", \.count, "training images", .within(2...10_000_000)),
            .init("test_count", \.testCount, "test images", .within(1...10_000_000)),
            .init("height", \.height, "pixels", .within(4...4096)),
            .init("width", \.width, "pixels", .within(4...4096)),
            .init("channels", \.channels, "1 or 3", .within(1...3)),
            .init("classes", \.classes, "classes, of ten kinds of shape", .within(2...10)),
            .init("noise", \.noise, "the noise's standard deviation, where 1 is white", .within(0...1)),
            .init("seed", \.seed, "other images of the same classes", .atLeast(0)),
        ]
    }
}
