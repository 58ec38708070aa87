import Adversarial
import ErrataCore
import NeuralNetworks
import TensorEngine

/// The residual critic of WGAN-GP (Gulrajani et al., 2017, appendix F, for CIFAR-10): blocks that halve the extent down
/// to twice the generator's smallest grid, two more, and a mean over pixels.
///
/// A gradient penalty holds each image's own gradient, so no layer here mixes the images of a batch. The score is
/// conditioned on the class by projection (Miyato and Koyama, 2018), where the authors' critic has an auxiliary
/// classifier.
struct ResidualCritic: Discriminator {
    let layout: ModelLayout
    var dependsOnArchitecture: Bool { false }
    private let blocks: [CriticBlock]
    private let head: ProjectionHead

    init(channels: Int, hasLayerNorm: Bool, halvings: Halvings, for images: ImageSpecification) {
        let builder = LayoutBuilder()
        let root = builder.root
        let halving = max(halvings.count - 1, 1)
        blocks = (0..<(halving + 2)).map { index in
            CriticBlock(
                root["blocks"][index], inputs: index == 0 ? images.channels : channels, outputs: channels,
                isFirst: index == 0, halves: index < halving, hasLayerNorm: hasLayerNorm)
        }
        head = ProjectionHead(
            root, features: channels, classes: images.classes,
            initializer: .glorot(inputs: channels, outputs: 1), bias: false,
            embedding: .glorot(inputs: channels, outputs: 1))
        layout = builder.layout
    }

    func scores(_ images: Tensor, labels: Tensor, architecture: [Tensor], _ context: ForwardContext) throws
        -> Tensor
    {
        var x = images
        for block in blocks { x = try block(x, context) }
        return try head(x.relu().globalAveragePool(), labels: labels, context)
    }
}

/// A residual block without batch norm, which may halve the extent.
private struct CriticBlock: Sendable {
    private let isFirst: Bool
    private let norms: [LayerNorm]
    private let convolutions: [ResampledConvolution]
    private let shortcut: ResampledConvolution?

    /// - Parameters:
    ///   - scope: of the block.
    ///   - inputs: channels.
    ///   - outputs: channels.
    ///   - isFirst: whether it is given images: nothing is normalised then, nor rectified before the first convolution.
    ///   - halves: whether it halves the extent.
    ///   - hasLayerNorm: whether what is convolved is normalised first.
    init(_ scope: Scope, inputs: Int, outputs: Int, isFirst: Bool, halves: Bool, hasLayerNorm: Bool) {
        self.isFirst = isFirst
        let resampling = halves ? ResampledConvolution.Resampling.down : .none
        let middle = isFirst ? outputs : inputs
        norms =
            hasLayerNorm && !isFirst
            ? [inputs, middle].enumerated().map { LayerNorm(scope["norms"][$0], channels: $1) } : []
        convolutions = [(inputs, middle, .none), (middle, outputs, resampling)].enumerated().map {
            ResampledConvolution(
                scope["convolutions"][$0], inputs: $1.0, outputs: $1.1, kernel: 3, resampling: $1.2,
                initializer: .he(inputs: $1.0, outputs: $1.1, kernel: 3))
        }
        shortcut =
            halves || inputs != outputs
            ? ResampledConvolution(
                scope["shortcut"], inputs: inputs, outputs: outputs, kernel: 1, resampling: resampling,
                initializer: .glorot(inputs: inputs, outputs: outputs)) : nil
    }

    /// [N, H, W, inputs] → [N, H, W, outputs], of half the height and width where the block halves.
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        var y = x
        for (index, convolution) in convolutions.enumerated() {
            if !norms.isEmpty { y = try norms[index](y, context) }
            if index > 0 || !isFirst { y = try y.relu() }
            y = try convolution(y, context)
        }
        return try (shortcut?(x, context) ?? x) + y
    }
}
