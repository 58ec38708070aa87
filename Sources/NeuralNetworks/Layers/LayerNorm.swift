import TensorEngine

/// Layer normalisation over all axes but the first, with a γ and a β for each channel (Ba, Kiros and Hinton, 2016): what
/// group normalisation is with one group. An image's output depends on no other image.
public struct LayerNorm: Sendable {
    private let scale: Parameter
    private let shift: Parameter
    public let epsilon: Double

    /// - Parameters:
    ///   - scope: holds `scale` and `shift`.
    ///   - channels: of input and output.
    ///   - epsilon: added to the variance.
    public init(_ scope: Scope, channels: Int, epsilon: Double = 1e-5) {
        scale = scope.parameter("scale", [channels], .ones)
        shift = scope.parameter("shift", [channels], .zeros)
        self.epsilon = epsilon
    }

    /// [N, …, C] → [N, …, C].
    public func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let axes = Array(1..<x.shape.rank)
        let centred = try x - x.mean(axes: axes, keepingAxes: true)
        let variance = try centred.squared().mean(axes: axes, keepingAxes: true)
        return try centred * (variance + epsilon).reciprocalSquareRoot() * context[scale] + context[shift]
    }
}
