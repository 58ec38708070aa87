extension PluginTemplate {
    static let generator = PluginTemplate(
        source: #"""
            import Adversarial
            import ErrataCore
            import Multilevel
            import NeuralNetworks
            import TensorEngine

            /// What a spec may say of the generator besides its name.
            public struct __Name__Settings: Configuration {
                public var noise = 8
                public var hidden = 32
                public var training = AdversarialTrainingSettings()

                public init() {}

                public static var fields: [ConfigurationField<Self>] {
                    [
                        .init("noise", \.noise, "the length of the noise vector z", .within(1...65_536)),
                        .init("hidden", \.hidden, "the width of the hidden layer", .within(1...65_536)),
                        .init("training", \.training, "how the generator and the discriminator train"),
                    ]
                }
            }

            /// z and the class's embedding → a hidden layer → all pixels, with the losses of least squares (Mao et al.,
            /// 2017).
            public struct __Name__Generator: ConditionalGenerator {
                public let layout: ModelLayout
                public let discriminator: any Discriminator
                public let training: AdversarialTraining
                private let noiseSize: Int
                private let images: ImageSpecification
                private let embedding: Embedding
                private let hidden, pixels: Linear

                public init(_ settings: __Name__Settings, _ context: GeneratorContext) {
                    images = context.images
                    noiseSize = settings.noise
                    let builder = LayoutBuilder()
                    embedding = Embedding(builder.root["embedding"], classes: images.classes, size: settings.noise)
                    hidden = Linear(builder.root["hidden"], inputs: 2 * settings.noise, outputs: settings.hidden)
                    pixels = Linear(
                        builder.root["pixels"], inputs: settings.hidden,
                        outputs: images.height * images.width * images.channels)
                    layout = builder.layout
                    discriminator = BackboneDiscriminator(context.backbone, classes: images.classes)
                    training = settings.training.training
                }

                public func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream)
                    throws -> Tensor
                {
                    try backend.normal([count, noiseSize], dtype, from: stream)
                }

                public func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
                    let input = try Tensor.concatenated([noise, embedding(labels, context)], axis: -1)
                    return try pixels(hidden(input, context).tanh(), context).tanh()
                        .reshaped(to: [-1, images.height, images.width, images.channels])
                }

                public func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
                    Evaluation(
                        try (game.scores(game.real) - 1).squared().mean() * 0.5
                            + game.scores(game.generated).squared().mean() * 0.5)
                }

                public func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
                    Evaluation(try (game.scores(game.generated) - 1).squared().mean() * 0.5)
                }
            }

            /// Adds the generator `__name__`.
            public struct __Name__Plugin: Plugin {
                public init() {}

                public func register(in registry: inout PluginRegistry) throws {
                    try registry.generators.add(
                        .init("__name__", "one hidden layer, least squares", configuration: __Name__Settings.self) {
                            __Name__Generator($0, $1)
                        })
                }
            }
            """#,
        test: #"""
            import CPUEngine
            import ErrataCore
            import Multilevel
            import NeuralNetworks
            import PluginTesting
            import TensorEngine
            import Testing
            import __Name__

            @Suite struct __Name__Tests {
                @Test func conforms() throws { try checkPlugin(__Name__Plugin()) }

                @Test func losses() throws {
                    let backend = try CPUBackend(threads: 1)
                    let (real, generated) = (try backend.tensor([3.0], [1]), try backend.tensor([2.0], [1]))
                    let game = AdversarialGame(
                        real: real, generated: generated, labels: try backend.tensor([0] as [Int32], [1]),
                        random: RandomStream(seed: 1), generator: [], discriminator: []
                    ) { images, _, _ in images }
                    let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 2)
                    let generator = __Name__Generator(
                        .init(), GeneratorContext(images: images, backbone: Pixels()))
                    #expect(try generator.discriminatorLoss(game).value.item() == 4)
                    #expect(try generator.generatorLoss(game).value.item() == 0.5)
                }
            }

            /// Features that are the images themselves, without weights.
            private struct Pixels: Backbone, FeatureExtractor {
                let features = 64

                func declare(in scope: Scope) -> any FeatureExtractor { self }

                func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws
                    -> Tensor
                {
                    try images.reshaped(to: [-1, features])
                }
            }
            """#)
}
