import ErrataCore
import NeuralNetworks
import TensorEngine

/// How images come to the first cell.
public enum StemKind: String, ConfigurationChoice {
    /// A 3×3 convolution that keeps the extent; it is both inputs of the first cell.
    case cifar
    /// Three 3×3 convolutions of stride 2, of half the channels and then of all. The last two are the first cell's
    /// inputs, so that its first has twice the second's extent (DARTS's published code for ImageNet).
    case imagenet

    /// How often the extent is halved before the first cell's last input.
    var halvings: Int { self == .cifar ? 0 : 3 }

    /// The outputs of the stem's convolutions.
    fileprivate func convolutions(_ channels: Int) -> [Int] {
        self == .cifar ? [channels] : [channels / 2, channels, channels]
    }
}

/// 3×3 convolutions with batch norm, ReLU between them.
public struct Stem: Sendable {
    private let layers: [Layer]

    private struct Layer: Sendable {
        let convolution: Convolution
        let norm: BatchNorm

        func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
            try norm(convolution(x, context), context)
        }
    }

    /// - Parameters:
    ///   - scope: where the stem declares its parameters.
    ///   - inputs: channels of the images.
    ///   - stack: what stands on the stem.
    public init(_ scope: Scope, inputs: Int, of stack: CellStack) {
        let isSingle = stack.stem == .cifar
        let channels = [inputs] + stack.stem.convolutions(stack.stemChannels)
        layers = zip(channels, channels.dropFirst()).enumerated().map { index, channels in
            let scope = isSingle ? scope : scope[index]
            return Layer(
                convolution: Convolution(
                    scope["convolution"], inputs: channels.0, outputs: channels.1, kernel: 3,
                    stride: isSingle ? 1 : 2),
                norm: BatchNorm(scope["norm"], channels: channels.1))
        }
    }

    /// The first cell's inputs, [N, H, W, channels] each.
    ///
    /// - Parameters:
    ///   - images: [N, H, W, inputs].
    ///   - context: the model's values.
    public func callAsFunction(_ images: Tensor, _ context: ForwardContext) throws
        -> (beforeLast: Tensor, last: Tensor)
    {
        let first = try layers[0](images, context)
        return try layers.dropFirst().reduce((first, first)) { states, layer in
            (states.1, try layer(states.1.relu(), context))
        }
    }
}
