import TensorEngine

/// Batch normalisation over all axes but the last, with running estimates (Ioffe and Szegedy, 2015).
public struct BatchNorm: Sendable {
    let scale: Parameter?
    let shift: Parameter?
    let runningMean: Buffer
    let runningVariance: Buffer
    /// The weight of the new batch in the running estimates.
    public let momentum: Double
    public let epsilon: Double

    /// - Parameters:
    ///   - scope: holds `scale` and `shift` where the layer is affine, and the running statistics.
    ///   - channels: of input and output.
    ///   - affine: whether there are a γ and a β. DARTS's search has none, its evaluation has both.
    ///   - momentum: the weight of a batch's statistics in the running ones.
    ///   - epsilon: added to the variance.
    ///   - initializer: of γ.
    public init(
        _ scope: Scope, channels: Int, affine: Bool = true, momentum: Double = 0.1, epsilon: Double = 1e-5,
        initializer: Initializer = .ones
    ) {
        scale = affine ? scope.parameter("scale", [channels], initializer) : nil
        shift = affine ? scope.parameter("shift", [channels], .zeros) : nil
        runningMean = scope.buffer("running_mean", [channels], .zeros)
        runningVariance = scope.buffer("running_variance", [channels], .ones)
        self.momentum = momentum
        self.epsilon = epsilon
    }

    /// [..., C] → [..., C].
    public func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let (output, moments) = try x.normalized(by: normalization(context))
        try record(moments, rows: x.shape.rows, context)
        return output
    }

    /// What a fused operation needs to apply this layer; it then hands the moments to `record`.
    public func normalization(_ context: ForwardContext) -> Normalization {
        Normalization(
            affine: scale.map { (context[$0], context[shift!]) },
            moments: context.normalization == .running
                ? (context[runningMean], context[runningVariance]) : nil,
            epsilon: epsilon)
    }

    /// Moves the running estimates towards a batch's moments; the variance is made unbiased first.
    public func record(
        _ moments: (mean: Tensor, variance: Tensor)?, rows: Int, _ context: ForwardContext
    ) throws {
        guard let moments, context.updates != nil, context.isTraining else { return }
        let correction = Double(rows) / Double(max(rows - 1, 1))
        let (mean, variance) = (context[runningMean], context[runningVariance])
        context.update(runningMean) { [momentum] in
            try mean * (1 - momentum) + moments.mean * momentum
        }
        context.update(runningVariance) { [momentum] in
            try variance * (1 - momentum) + moments.variance * (momentum * correction)
        }
    }
}
