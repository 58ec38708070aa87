import NeuralNetworks
import TensorEngine

/// A convolution that keeps the extent, alone, before a mean over 2×2 pixels, or after each pixel has become 2×2: what
/// residual blocks of generators and discriminators are made of.
///
/// Convolution and resampling are one linear map, and are applied as one: a kernel that is one pixel larger with a stride
/// of 2, at less than half the cost.
public struct ResampledConvolution: Sendable {
    /// What happens to height and width.
    public enum Resampling: Sendable, Hashable {
        case none
        /// A mean over 2×2 pixels after the convolution.
        case down
        /// Each pixel four times before the convolution.
        case up
    }

    private let weight: Parameter
    private let bias: Parameter?
    private let kernel: Int
    private let resampling: Resampling

    /// - Parameters:
    ///   - scope: holds `weight`, [kernel, kernel, inputs, outputs], or as of a transposed convolution [kernel, kernel,
    ///     outputs, inputs] where it goes up; and `bias` where there is one, which begins at 0.
    ///   - inputs: channels.
    ///   - outputs: channels.
    ///   - kernel: the extent of the kernel in pixels, odd.
    ///   - resampling: what happens to height and width; to go down, both are even.
    ///   - bias: whether a bias for each channel is added.
    ///   - initializer: of the weight.
    public init(
        _ scope: Scope, inputs: Int, outputs: Int, kernel: Int, resampling: Resampling = .none,
        bias: Bool = true, initializer: Initializer
    ) {
        precondition(kernel % 2 == 1, "a kernel of \(kernel), expected an odd one")
        self.kernel = kernel
        self.resampling = resampling
        let channels = resampling == .up ? [outputs, inputs] : [inputs, outputs]
        weight = scope.parameter("weight", Shape([kernel, kernel] + channels), initializer)
        self.bias = bias ? scope.parameter("bias", [outputs], .zeros) : nil
    }

    /// [N, H, W, inputs] → [N, H, W, outputs], of half or twice the height and width.
    public func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let weight = context[weight]
        var geometry = ConvolutionGeometry(padding: (kernel - 1) / 2)
        var y: Tensor
        switch resampling {
        case .none: y = try x.convolution(weight, geometry)
        case .down:
            geometry.stride = 2
            y = try x.convolution(weight.spread * 0.25, geometry)
        case .up:
            geometry.stride = 2
            y = try x.transposedConvolution(weight.spread, geometry)
        }
        if let bias { y = try y + context[bias] }
        return y
    }
}

extension Tensor {
    /// A kernel [k, k, …] added up at four places: [k + 1, k + 1, …].
    fileprivate var spread: Tensor {
        get throws {
            try (0...1).reduce(self) { kernel, axis in
                try kernel.padded(axis: axis, before: 0, after: 1)
                    + kernel.padded(axis: axis, before: 1, after: 0)
            }
        }
    }
}
