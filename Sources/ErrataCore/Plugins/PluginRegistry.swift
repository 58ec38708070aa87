/// Everything an experiment can choose from: a value that `main` makes and passes on.
///
/// `Dataset` is built from its settings and a `DatasetContext`.
public struct PluginRegistry<Dataset, DatasetContext>: Sendable {
    public var searchSpaces = ComponentList<any SearchSpace, Void>(kind: "search space")
    public var generators = ComponentList<any ConditionalGenerator, GeneratorContext>(kind: "generator")
    public var weighters = ComponentList<any ClassWeighter, Void>(kind: "class weighter")
    public var hypergradients = ComponentList<any Hypergradient, Void>(kind: "hypergradient")
    public var datasets = ComponentList<Dataset, DatasetContext>(kind: "data set")

    public init() {}
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
