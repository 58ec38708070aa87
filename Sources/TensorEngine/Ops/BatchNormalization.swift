extension Tensor {
    /// Batch normalisation over all axes but the last, by the batch's own statistics.
    ///
    /// - Parameters:
    ///   - scale: γ [C]; 1 where absent.
    ///   - shift: β [C]; 0 where absent. Given exactly when `scale` is.
    /// - Returns: the normalised tensor, and as constants the batch's mean and biased variance [C], for
    ///   running estimates.
    public func batchNormalized(
        scale: Tensor? = nil, shift: Tensor? = nil, epsilon: Double = 1e-5
    ) throws -> (output: Tensor, mean: Tensor, variance: Tensor) {
        try require(shape.rank >= 2, "batchNorm", "a tensor of shape \(shape), expected [..., C]")
        try require((scale == nil) == (shift == nil), "batchNorm", "a scale and a shift go together")
        for parameter in [scale, shift].compactMap({ $0 }) {
            try require(
                parameter.shape == [shape.channels], "batchNorm",
                "a parameter of shape \(parameter.shape) for input \(shape), expected [\(shape.channels)]")
        }
        let (mean, variance) = backend.channelMoments(self)
        let outputs = try fused("batchNorm", [self] + [scale, shift].compactMap { $0 }) { inputs in
            [try Tensor.composedBatchNorm(inputs, epsilon: epsilon)]
        } forward: { inputs in
            let factor = try (variance + epsilon).reciprocalSquareRoot()
            let slope = inputs.count > 1 ? try factor * inputs[1] : factor
            let output = inputs[0].backend.channelAffine(
                inputs[0], mean: mean, scale: slope, shift: inputs.count > 1 ? inputs[2] : nil, relu: false)
            return ([output], [mean, factor])
        } backward: { context in
            let x = context.inputs[0]
            let (mean, factor) = (context.saved[0], context.saved[1])
            let (sum, product) = x.backend.channelSums(
                context.cotangents[0]!, x, mean: mean, activated: nil)
            let slope = context.inputs.count > 1 ? try factor * context.inputs[1] : factor
            let input =
                context.wants(0)
                ? try Tensor.batchNormInputGradient(
                    context.cotangents[0]!, x, mean: mean, factor: factor, slope: slope, sum: sum,
                    product: product) : nil
            return context.inputs.count > 1 ? [input, try product * factor, sum] : [input]
        }
        return (outputs[0], mean, variance)
    }

    /// dL/dx of batch normalisation from the cotangent g of its output, the sums Σ g and Σ g·(x − mean), the
    /// factor 1/√(σ² + ε) and the slope factor·γ: slope·(g − mean(g) − (x − mean)·factor²·mean(g·(x − mean))).
    static func batchNormInputGradient(
        _ cotangent: Tensor, _ x: Tensor, mean: Tensor, factor: Tensor, slope: Tensor, sum: Tensor,
        product: Tensor
    ) throws -> Tensor {
        let count = Double(x.shape.rows)
        return x.backend.channelGradient(
            cotangent, x, mean: mean, a: slope,
            b: try slope * factor.squared() * product * (-1 / count), c: try slope * sum * (-1 / count),
            activated: nil)
    }

    /// Batch normalisation in differentiable operations: [x] or [x, γ, β] → y.
    package static func composedBatchNorm(_ inputs: [Tensor], epsilon: Double) throws -> Tensor {
        let x = inputs[0]
        let axes = Array(0..<(x.shape.rank - 1))
        let centred = try x - x.mean(axes: axes, keepingAxes: true)
        let variance = try centred.squared().mean(axes: axes, keepingAxes: true)
        let normalized = try centred * (variance + epsilon).reciprocalSquareRoot()
        return inputs.count > 1 ? try normalized * inputs[1] + inputs[2] : normalized
    }
}
