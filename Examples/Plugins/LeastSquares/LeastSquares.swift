import Adversarial
import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// z and the class's embedding → a hidden layer → all pixels, with the losses of least squares (Mao et al., 2017).
struct LeastSquares: ConditionalGenerator {
    let layout: ModelLayout
    let discriminator: any Discriminator
    let training = AdversarialTrainingSettings().training
    private let shape: ImageSpecification
    private let embedding: Embedding
    private let hidden, pixels: Linear

    init(_ context: GeneratorContext) {
        shape = context.images
        let builder = LayoutBuilder()
        embedding = Embedding(builder.root["embedding"], classes: shape.classes, size: 16)
        hidden = Linear(builder.root["hidden"], inputs: 32, outputs: 64)
        pixels = Linear(
            builder.root["pixels"], inputs: 64, outputs: shape.height * shape.width * shape.channels)
        layout = builder.layout
        discriminator = BackboneDiscriminator(context.backbone, classes: shape.classes)
    }

    func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor
    {
        try backend.normal([count, 16], dtype, from: stream)
    }

    func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        let input = try Tensor.concatenated([noise, embedding(labels, context)], axis: -1)
        return try pixels(hidden(input, context).tanh(), context).tanh()
            .reshaped(to: [-1, shape.height, shape.width, shape.channels])
    }

    func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        let (real, fake) = (try game.scores(game.real), try game.scores(game.generated))
        return Evaluation(try (real - 1).squared().mean() + fake.squared().mean())
    }

    func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(try (game.scores(game.generated) - 1).squared().mean())
    }
}

public struct LeastSquaresPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.generators.add(.init("least-squares", "one hidden layer") { LeastSquares($0) })
    }
}
