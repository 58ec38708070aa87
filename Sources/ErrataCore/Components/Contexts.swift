import Datasets
import NeuralNetworks

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

/// What a method is built from besides its settings. A method that asks for no generator builds none.
public struct MethodContext: Sendable {
    public var images: ImageSpecification
    /// How many images of each class D_tr has.
    public var trainingCounts: [Int]
    public var supernet: any Supernet
    /// How classifiers' weights descend.
    public var weights: Descent
    /// From the tanh range [−1, 1] of generated images to what a classifier is given.
    public var fromTanh: ChannelMap
    /// How training images are varied.
    public var augmentation: Augmentation
    public var makeGenerator: @Sendable () throws -> any ConditionalGenerator
    public var makeWeighter: @Sendable () throws -> any ClassWeighter

    public init(
        images: ImageSpecification, trainingCounts: [Int], supernet: any Supernet, weights: Descent,
        fromTanh: ChannelMap,
        augmentation: Augmentation = .none,
        makeGenerator: @escaping @Sendable () throws -> any ConditionalGenerator,
        makeWeighter: @escaping @Sendable () throws -> any ClassWeighter
    ) {
        self.images = images
        self.trainingCounts = trainingCounts
        self.supernet = supernet
        self.weights = weights
        self.fromTanh = fromTanh
        self.augmentation = augmentation
        self.makeGenerator = makeGenerator
        self.makeWeighter = makeWeighter
    }
}
