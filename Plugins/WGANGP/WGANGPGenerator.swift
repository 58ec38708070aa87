import Adversarial
import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// The residual generator of WGAN-GP (Gulrajani et al., 2017, appendix F, for CIFAR-10): z → the smallest grid of
/// `Halvings` → blocks that double it, conditioned by batch norm → tanh.
public struct WGANGPGenerator: ConditionalGenerator {
    public let layout: ModelLayout
    public let discriminator: any Discriminator
    public let training: AdversarialTraining
    private let noiseSize: Int
    private let loss: WassersteinLoss
    private let project: Linear
    private let projected: Shape
    private let blocks: [GrowingBlock]
    private let norm: BatchNorm
    private let convolution: ResampledConvolution

    /// - Parameters:
    ///   - configuration: sizes, loss and training.
    ///   - images: what is to be made.
    ///   - backbone: the search space's, for the critic.
    /// - Throws: `GeneratorError` if the images' size does not halve (`Halvings`).
    public init(
        _ configuration: WGANGPConfiguration = .init(), for images: ImageSpecification, backbone: any Backbone
    ) throws {
        let halvings = try Halvings(of: images, for: "wgan-gp")
        let builder = LayoutBuilder()
        let root = builder.root
        let channels = configuration.channels
        noiseSize = configuration.noise
        loss = configuration.loss
        training = configuration.training.training
        projected = [halvings.height, halvings.width, channels]
        project = Linear(
            root["project"], inputs: noiseSize, outputs: projected.count,
            initializer: .glorot(inputs: noiseSize, outputs: projected.count))
        blocks = (0..<halvings.count).map {
            GrowingBlock(root["blocks"][$0], channels: channels, classes: images.classes)
        }
        norm = BatchNorm(root["norm"], channels: channels)
        convolution = ResampledConvolution(
            root["convolution"], inputs: channels, outputs: images.channels, kernel: 3,
            initializer: .glorot(inputs: channels, outputs: images.channels, kernel: 3))
        layout = builder.layout
        discriminator =
            switch configuration.discriminator {
            case .backbone: BackboneDiscriminator(backbone, classes: images.classes, bias: false)
            case .native:
                ResidualCritic(
                    channels: configuration.discriminatorChannels, hasLayerNorm: configuration.layerNorm,
                    halvings: halvings, for: images)
            }
    }

    /// Standard normal [count, noise].
    public func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream)
        throws -> Tensor
    {
        try backend.normal([count, noiseSize], dtype, from: stream)
    }

    public func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        var x = try project(noise, context).reshaped(to: Shape([-1] + projected.extents))
        for block in blocks { x = try block(x, labels: labels, context) }
        return try convolution(norm(x, context).relu(), context).tanh()
    }

    public var metrics: [MetricDeclaration] { WassersteinLoss.metrics }

    public func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        try loss.discriminatorLoss(game)
    }

    public func generatorLoss(_ game: AdversarialGame) throws -> Evaluation { try loss.generatorLoss(game) }
}

/// A residual block that doubles the extent. Its convolutions have no bias: the batch norm that follows would take it
/// away.
private struct GrowingBlock: Sendable {
    private let norms: [ClassConditionalBatchNorm]
    private let convolutions: [ResampledConvolution]
    private let shortcut: ResampledConvolution

    init(_ scope: Scope, channels: Int, classes: Int) {
        norms = (0..<2).map {
            ClassConditionalBatchNorm(scope["norms"][$0], channels: channels, classes: classes)
        }
        convolutions = [ResampledConvolution.Resampling.up, .none].enumerated().map { index, resampling in
            ResampledConvolution(
                scope["convolutions"][index], inputs: channels, outputs: channels, kernel: 3,
                resampling: resampling, bias: false,
                initializer: .he(inputs: channels, outputs: channels, kernel: 3))
        }
        shortcut = ResampledConvolution(
            scope["shortcut"], inputs: channels, outputs: channels, kernel: 1, resampling: .up, bias: false,
            initializer: .glorot(inputs: channels, outputs: channels))
    }

    /// [N, H, W, C] → [N, 2H, 2W, C].
    func callAsFunction(_ x: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        var y = x
        for (norm, convolution) in zip(norms, convolutions) {
            y = try convolution(norm(y, labels: labels, context).relu(), context)
        }
        return try shortcut(x, context) + y
    }
}

extension Initializer {
    /// Uniform with the variance 2/(fan in + fan out) (Glorot and Bengio, 2010).
    static func glorot(inputs: Int, outputs: Int, kernel: Int = 1) -> Initializer {
        .uniform(bound: (6 / Double(kernel * kernel * (inputs + outputs))).squareRoot())
    }

    /// Uniform with twice that variance, for layers after a ReLU: what the authors' code calls He's.
    static func he(inputs: Int, outputs: Int, kernel: Int) -> Initializer {
        .uniform(bound: (12 / Double(kernel * kernel * (inputs + outputs))).squareRoot())
    }
}
