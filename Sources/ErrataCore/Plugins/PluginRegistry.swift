import Datasets

/// Everything an experiment can choose from: a value that `main` makes and passes on.
public struct PluginRegistry: Sendable {
    public var searchSpaces = ComponentList<any SearchSpace, Void>(kind: "search space")
    public var generators = ComponentList<any ConditionalGenerator, GeneratorContext>(kind: "generator")
    public var weighters = ComponentList<any ClassWeighter, Void>(kind: "class weighter")
    public var hypergradients = ComponentList<any Hypergradient, Void>(kind: "hypergradient")
    public var datasets = ComponentList<ImageData, Void>(kind: "data set")

    /// What ships with the core, and what the plugins add.
    ///
    /// - Throws: `PluginError` if two components of a kind have one name.
    public init(_ plugins: [any Plugin] = []) throws {
        for plugin in [CorePlugin()] + plugins { try plugin.register(in: &self) }
    }
}

/// A data set in its two published parts.
public struct ImageData: Sendable {
    /// What a search splits into D_tr and D_val, and what a found network is trained on.
    public let training: any Dataset
    public let test: any Dataset

    /// - Throws: `DatasetError` if the parts differ in size or classes, or two classes have one name.
    public init(training: any Dataset, test: any Dataset) throws {
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
    }

    public var images: ImageSpecification {
        ImageSpecification(
            height: training.height, width: training.width, channels: training.channels,
            classes: training.classNames.count)
    }
}

/// What a generator is built from besides its settings.
public struct GeneratorContext: Sendable {
    /// The images it is to make.
    public var images: ImageSpecification
    /// The search space's backbone, which may serve as its discriminator.
    public var backbone: any Backbone

    public init(images: ImageSpecification, backbone: any Backbone) {
        self.images = images
        self.backbone = backbone
    }
}
