import Adversarial
import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// A class-conditional DCGAN (Radford, Metz and Chintala, 2016; conditioned as by Mirza and Osindero, 2014):
/// z and the class's embedding → the smallest grid of `Halvings` → transposed convolutions that double it → tanh.
public struct DCGANGenerator: ConditionalGenerator {
    public let layout: ModelLayout
    public let discriminator: any Discriminator
    public let training: AdversarialTraining
    private let noiseSize: Int
    private let loss: AdversarialLoss
    private let embedding: Embedding
    private let project: Linear
    private let projectNorm: BatchNorm
    private let projected: Shape
    private let layers: [(convolution: TransposedConvolution, norm: BatchNorm?)]

    /// - Parameters:
    ///   - configuration: sizes, losses and training.
    ///   - images: what is to be made.
    ///   - backbone: the search space's, for the discriminator.
    /// - Throws: `GeneratorError` if the images' size does not halve (`Halvings`).
    public init(
        _ configuration: DCGANConfiguration = .init(), for images: ImageSpecification, backbone: any Backbone
    ) throws {
        let halvings = try Halvings(of: images, for: "dcgan")
        let builder = LayoutBuilder()
        let root = builder.root
        noiseSize = configuration.noise
        loss = configuration.loss
        training = configuration.training.training
        embedding = Embedding(root["embedding"], classes: images.classes, size: configuration.embedding)
        var channels = configuration.channels << (halvings.count - 1)
        projected = [halvings.height, halvings.width, channels]
        project = Linear(
            root["project"], inputs: configuration.noise + configuration.embedding,
            outputs: projected.count,
            bias: false, initializer: .dcganWeight)
        projectNorm = BatchNorm(root["project"]["norm"], channels: channels, initializer: .dcganScale)
        layers = (0..<halvings.count).map { index in
            let last = index == halvings.count - 1
            let outputs = last ? images.channels : channels / 2
            defer { channels = outputs }
            let scope = root["layers"][index]
            return (
                TransposedConvolution(
                    scope, inputs: channels, outputs: outputs, kernel: 4, stride: 2, padding: 1,
                    initializer: .dcganWeight),
                last ? nil : BatchNorm(scope["norm"], channels: outputs, initializer: .dcganScale)
            )
        }
        layout = builder.layout
        discriminator =
            switch configuration.discriminator {
            case .backbone: BackboneDiscriminator(backbone, classes: images.classes)
            case .native:
                DCGANDiscriminator(
                    channels: configuration.discriminatorChannels, halvings: halvings, for: images)
            }
    }

    /// Standard normal [count, noise].
    public func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream)
        throws -> Tensor
    {
        try backend.normal([count, noiseSize], dtype, from: stream)
    }

    public func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        let input = try Tensor.concatenated([noise, embedding(labels, context)], axis: -1)
        let grid = try project(input, context).reshaped(to: Shape([-1] + projected.extents))
        var x = try projectNorm(grid, context).relu()
        for layer in layers {
            x = try layer.convolution(x, context)
            x = try layer.norm.map { try $0(x, context).relu() } ?? x.tanh()
        }
        return x
    }

    public func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        try loss.discriminatorLoss(game)
    }

    public func generatorLoss(_ game: AdversarialGame) throws -> Evaluation { try loss.generatorLoss(game) }
}

/// DCGAN's own discriminator: convolutions of stride 2 with leaky ReLUs, batch norm on all but the first, and
/// a class-conditional score by projection (Miyato and Koyama, 2018).
struct DCGANDiscriminator: Discriminator {
    let layout: ModelLayout
    var dependsOnArchitecture: Bool { false }
    private let layers: [(convolution: Convolution, norm: BatchNorm?)]
    private let head: ProjectionHead

    init(channels: Int, halvings: Halvings, for images: ImageSpecification) {
        let builder = LayoutBuilder()
        let root = builder.root
        var inputs = images.channels
        layers = (0..<halvings.count).map { index in
            let outputs = channels << index
            defer { inputs = outputs }
            let scope = root["layers"][index]
            return (
                Convolution(
                    scope, inputs: inputs, outputs: outputs, kernel: 4, stride: 2, padding: 1,
                    initializer: .dcganWeight),
                index == 0 ? nil : BatchNorm(scope["norm"], channels: outputs, initializer: .dcganScale)
            )
        }
        head = ProjectionHead(
            root, features: halvings.height * halvings.width * inputs, classes: images.classes,
            initializer: .dcganWeight,
            embedding: .dcganWeight)
        layout = builder.layout
    }

    func scores(_ images: Tensor, labels: Tensor, architecture: [Tensor], _ context: ForwardContext) throws
        -> Tensor
    {
        var x = images
        for layer in layers {
            x = try layer.convolution(x, context)
            x = try (layer.norm.map { try $0(x, context) } ?? x).leakyRelu(slope: 0.2)
        }
        return try head(x.reshaped(to: [x.shape[0], -1]), labels: labels, context)
    }
}

extension Initializer {
    /// As in DCGAN, section 3.
    fileprivate static let dcganWeight = Initializer.normal(mean: 0, deviation: 0.02)
    fileprivate static let dcganScale = Initializer.normal(mean: 1, deviation: 0.02)
}
