import TensorEngine

/// A convolution over NHWC with weights [kernel, kernel, inputs/groups, outputs].
public struct Convolution: Sendable {
    public let weight: Parameter
    let bias: Parameter?
    public let geometry: ConvolutionGeometry

    /// - Parameters:
    ///   - scope: holds `weight`, and `bias` where there is one.
    ///   - inputs: channels.
    ///   - outputs: channels.
    ///   - kernel: the extent of the kernel in pixels, each way.
    ///   - stride: pixels from one window to the next.
    ///   - padding: zeros on each side; by default what keeps the extent at stride 1.
    ///   - dilation: pixels from one tap of the kernel to the next.
    ///   - groups: parts that inputs and outputs are divided into.
    ///   - bias: whether a bias for each channel is added.
    ///   - initializer: of the weight; PyTorch's default where absent.
    public init(
        _ scope: Scope, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int? = nil,
        dilation: Int = 1, groups: Int = 1, bias: Bool = false, initializer: Initializer? = nil
    ) {
        let fanIn = kernel * kernel * inputs / groups
        weight = scope.parameter(
            "weight", [kernel, kernel, inputs / groups, outputs], initializer ?? .kaimingUniform(fanIn: fanIn)
        )
        self.bias = bias ? scope.parameter("bias", [outputs], .kaimingUniform(fanIn: fanIn)) : nil
        geometry = ConvolutionGeometry(
            stride: stride, padding: padding ?? dilation * (kernel - 1) / 2, dilation: dilation,
            groups: groups)
    }

    /// [N, H, W, inputs] → [N, H', W', outputs].
    public func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let y = try x.convolution(context[weight], geometry)
        return try bias.map { try y + context[$0] } ?? y
    }
}

/// A transposed convolution over NHWC: the adjoint of a convolution from `outputs` to `inputs` channels.
public struct TransposedConvolution: Sendable {
    public let weight: Parameter
    public let geometry: ConvolutionGeometry

    public init(
        _ scope: Scope, inputs: Int, outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0,
        initializer: Initializer? = nil
    ) {
        weight = scope.parameter(
            "weight", [kernel, kernel, outputs, inputs],
            initializer ?? .kaimingUniform(fanIn: kernel * kernel * outputs))
        geometry = ConvolutionGeometry(stride: stride, padding: padding)
    }

    /// [N, H, W, inputs] → [N, (H − 1)·stride − 2·padding + kernel, …, outputs].
    public func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        try x.transposedConvolution(context[weight], geometry)
    }
}
