import Datasets
import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// A search space of one linear layer and a tanh: A scales its features. What methods are checked with.
struct PartnerSpace: SearchSpace {
    static let features = 4

    var architecture: ModelLayout {
        let builder = LayoutBuilder()
        _ = builder.root.parameter("scales", [Self.features], .normal(mean: 1, deviation: 0.1))
        return builder.layout
    }

    func supernet(for images: ImageSpecification) -> any Supernet { PartnerSupernet(images) }

    func genotype(of architecture: [Tensor]) throws -> PartnerGenotype {
        PartnerGenotype(signs: try architecture[0].doubles().map { $0 < 0 ? "-" : "+" }.joined())
    }

    func network(_ genotype: PartnerGenotype, _ settings: PartnerSettings, for images: ImageSpecification)
        -> any Network
    {
        PartnerNetwork(images)
    }

    func penalty(_ architecture: [Tensor], at time: TrainingTime) throws -> Tensor? {
        try architecture[0].squared().sum() * 0.01
    }
}

struct PartnerSettings: Configuration {
    static var fields: [ConfigurationField<Self>] { [] }
}

struct PartnerGenotype: GenotypeRepresentable {
    let signs: String

    init(signs: String) { self.signs = signs }

    init(parsing text: String) throws {
        guard !text.isEmpty, text.allSatisfy({ "+-".contains($0) }) else {
            throw GenotypeError("expected signs, found none", isAbsent: true)
        }
        signs = text
    }

    var description: String { signs }
}

/// tanh of a linear layer of all pixels, times A.
struct PartnerBackbone: Backbone {
    private let pixels: Int

    init(_ images: ImageSpecification) { pixels = images.height * images.width * images.channels }

    func declare(in scope: Scope) -> any FeatureExtractor {
        PartnerFeatures(layer: Linear(scope["features"], inputs: pixels, outputs: PartnerSpace.features))
    }
}

private struct PartnerFeatures: FeatureExtractor {
    let layer: Linear
    var features: Int { PartnerSpace.features }

    func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    {
        let features = try layer(images.reshaped(to: [images.shape[0], -1]), context).tanh()
        return try architecture.isEmpty ? features : features * architecture[0]
    }
}

private struct PartnerSupernet: Supernet {
    let layout: ModelLayout
    let backbone: any Backbone
    private let features: any FeatureExtractor
    private let classifier: Linear

    init(_ images: ImageSpecification) {
        let builder = LayoutBuilder()
        backbone = PartnerBackbone(images)
        features = backbone.declare(in: builder.root)
        classifier = Linear(
            builder.root["classifier"], inputs: PartnerSpace.features, outputs: images.classes)
        layout = builder.layout
    }

    func logits(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor {
        try classifier(features(images, architecture: architecture, context), context)
    }
}

private struct PartnerNetwork: Network {
    private let supernet: PartnerSupernet
    var layout: ModelLayout { supernet.layout }

    init(_ images: ImageSpecification) { supernet = PartnerSupernet(images) }

    func logits(_ images: Tensor, _ context: ForwardContext) throws -> Tensor {
        try supernet.logits(images, architecture: [], context)
    }
}

/// tanh of a linear layer of noise and a class's embedding, against a linear score of the backbone's features.
struct PartnerGenerator: ConditionalGenerator {
    let layout: ModelLayout
    let discriminator: any Discriminator
    let training: AdversarialTraining
    private let images: ImageSpecification
    private let embedding: Embedding
    private let layer: Linear
    private static let noise = 3

    init(_ images: ImageSpecification, backbone: any Backbone) {
        let builder = LayoutBuilder()
        self.images = images
        embedding = Embedding(builder.root["embedding"], classes: images.classes, size: 2)
        layer = Linear(
            builder.root["pixels"], inputs: Self.noise + 2,
            outputs: images.height * images.width * images.channels)
        layout = builder.layout
        discriminator = PartnerDiscriminator(images, backbone)
        let descent = Descent(rate: 1e-2, SGD())
        training = AdversarialTraining(generator: descent, discriminator: descent)
    }

    func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor
    {
        try backend.normal([count, Self.noise], dtype, from: stream)
    }

    func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        let input = try Tensor.concatenated([noise, embedding(labels, context)], axis: -1)
        return try layer(input, context).tanh()
            .reshaped(to: [labels.count, images.height, images.width, images.channels])
    }

    func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(
            try game.scores(game.real).binaryCrossEntropy(target: 1)
                + game.scores(game.generated).binaryCrossEntropy(target: 0))
    }

    func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(try game.scores(game.generated).binaryCrossEntropy(target: 1))
    }
}

private struct PartnerDiscriminator: Discriminator {
    let layout: ModelLayout
    private let features: any FeatureExtractor
    private let embedding: Embedding
    private let score: Linear

    init(_ images: ImageSpecification, _ backbone: any Backbone) {
        let builder = LayoutBuilder()
        features = backbone.declare(in: builder.root)
        embedding = Embedding(builder.root["embedding"], classes: images.classes, size: 2)
        score = Linear(builder.root["score"], inputs: features.features + 2, outputs: 1)
        layout = builder.layout
    }

    func scores(_ images: Tensor, labels: Tensor, architecture: [Tensor], _ context: ForwardContext) throws
        -> Tensor
    {
        let input = try Tensor.concatenated(
            [features(images, architecture: architecture, context), embedding(labels, context)], axis: -1)
        return try score(input, context).reshaped(to: [-1])
    }
}

/// Each class weighs what the classifier loses on it.
struct PartnerWeighter: ClassWeighter {
    var isDifferentiable: Bool { true }

    func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        performance.losses
    }
}

extension MethodContext {
    /// What methods are checked with.
    static func partners(_ images: ImageSpecification) -> Self {
        let supernet = PartnerSpace().supernet(for: images)
        return MethodContext(
            images: images, trainingCounts: (0..<images.classes).map { 40 - $0 }, supernet: supernet,
            weights: DescentSettings().descent,
            fromTanh: ChannelMap(
                scale: Array(repeating: 0.8, count: images.channels),
                offset: Array(repeating: -0.1, count: images.channels)),
            makeGenerator: { PartnerGenerator(images, backbone: supernet.backbone) },
            makeWeighter: { PartnerWeighter() })
    }
}
