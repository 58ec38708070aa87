import Adversarial
import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// z and the class's embedding → a hidden layer → all pixels, with the losses of least squares (Mao et al., 2017).
struct LeastSquaresGenerator: ConditionalGenerator {
    let layout: ModelLayout
    let discriminator: any Discriminator
    let training = AdversarialTrainingSettings().training
    private let size: Int
    private let shape: ImageSpecification
    private let embedding: Embedding
    private let hidden, pixels: Linear

    init(_ settings: LeastSquaresSettings, _ context: GeneratorContext) {
        (size, shape) = (settings.noise, context.images)
        let (root, pixelCount) = (LayoutBuilder(), shape.height * shape.width * shape.channels)
        embedding = Embedding(root.root["embedding"], classes: shape.classes, size: size)
        hidden = Linear(root.root["hidden"], inputs: 2 * size, outputs: 4 * size)
        pixels = Linear(root.root["pixels"], inputs: 4 * size, outputs: pixelCount)
        layout = root.layout
        discriminator = BackboneDiscriminator(context.backbone, classes: shape.classes)
    }

    func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor
    {
        try backend.normal([count, size], dtype, from: stream)
    }

    func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        let input = try Tensor.concatenated([noise, embedding(labels, context)], axis: -1)
        return try pixels(hidden(input, context).tanh(), context).tanh()
            .reshaped(to: [-1, shape.height, shape.width, shape.channels])
    }

    func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(
            try (game.scores(game.real) - 1).squared().mean() + game.scores(game.generated).squared().mean())
    }

    func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(try (game.scores(game.generated) - 1).squared().mean())
    }
}

struct LeastSquaresSettings: Configuration {
    var noise = 16

    static var fields: [ConfigurationField<Self>] {
        [.init("noise", \.noise, "the length of the noise vector z", .within(1...4096))]
    }
}

public struct LeastSquaresPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.generators.add(
            .init("least-squares", "a hidden layer", configuration: LeastSquaresSettings.self) {
                LeastSquaresGenerator($0, $1)
            })
    }
}
