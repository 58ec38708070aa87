/// Batch normalisation as an operation, or as part of a fused one.
public struct Normalization: Sendable {
    /// γ and β [C], which go together.
    public var affine: (scale: Tensor, shift: Tensor)?
    /// The mean and biased variance [C] to normalise by as constants; the batch's own where absent.
    public var moments: (mean: Tensor, variance: Tensor)?
    public var epsilon: Double

    public init(
        affine: (scale: Tensor, shift: Tensor)? = nil, moments: (mean: Tensor, variance: Tensor)? = nil,
        epsilon: Double = 1e-5
    ) {
        self.affine = affine
        self.moments = moments
        self.epsilon = epsilon
    }

    /// The same without γ and β, for closures that take those as inputs.
    var withoutAffine: Normalization { Normalization(moments: moments, epsilon: epsilon) }

    /// Whether it normalises by the moments of what it is given.
    public var usesBatch: Bool { moments == nil }

    /// All tensors it holds.
    var vectors: [Tensor] {
        (affine.map { [$0.scale, $0.shift] } ?? []) + (moments.map { [$0.mean, $0.variance] } ?? [])
    }

    /// 1/√(σ² + ε).
    func factor(_ variance: Tensor) throws -> Tensor { try (variance + epsilon).reciprocalSquareRoot() }

    /// (x − μ)/√(σ² + ε) in elementary operations.
    fileprivate func elementary(_ x: Tensor) throws -> Tensor {
        if let moments { return try (x - moments.mean) * factor(moments.variance) }
        let axes = Array(0..<(x.shape.rank - 1))
        let centred = try x - x.mean(axes: axes, keepingAxes: true)
        let variance = try centred.squared().mean(axes: axes, keepingAxes: true)
        return try centred * factor(variance)
    }
}

extension Tensor {
    /// Batch normalisation over all axes but the last.
    ///
    /// - Returns: the normalised tensor, and as constants the mean and biased variance [C] it was normalised
    ///   by, for running estimates.
    public func normalized(by normalization: Normalization = .init()) throws
        -> (output: Tensor, moments: (mean: Tensor, variance: Tensor))
    {
        try require(shape.rank >= 2, "batchNorm", "a tensor of shape \(shape), expected [..., C]")
        let parameters = normalization.affine.map { [$0.scale, $0.shift] } ?? []
        for parameter in parameters {
            try require(
                parameter.shape == [shape.channels], "batchNorm",
                "a parameter of shape \(parameter.shape) for input \(shape), expected [\(shape.channels)]")
        }
        try requireOneBackend("batchNorm", self, normalization.vectors)
        let (mean, variance) = try normalization.moments ?? backend.channelMoments(detached)
        let factor = try normalization.factor(variance)
        let slope = try normalization.affine.map { try factor * $0.scale.detached } ?? factor
        let output = try backend.channelAffine(
            detached, mean: mean, scale: slope, shift: normalization.affine?.shift.detached, relu: false)
        let constants = normalization.withoutAffine
        let outputs = try fused(
            "batchNorm", [self] + parameters, outputs: [output],
            saved: (mean: mean, factor: factor, slope: slope)
        ) { inputs in
            guard inputs.count > 1 else { return [try constants.elementary(inputs[0])] }
            return [try inputs[0].normalized(by: constants).output * inputs[1] + inputs[2]]
        } backward: { context in
            let (x, g, saved) = (context.inputs[0], context.cotangents[0]!, context.saved)
            let (sum, product) = try x.backend.channelSums(g, x, mean: saved.mean)
            let input =
                !context.wants(0)
                ? nil
                : constants.usesBatch
                    ? try Tensor.batchNormInputGradient(
                        g, x, mean: saved.mean, factor: saved.factor, slope: saved.slope, sum: sum,
                        product: product)
                    : try g * saved.slope
            return context.inputs.count > 1 ? [input, try product * saved.factor, sum] : [input]
        } doubleBackward: { context in
            guard context.inputs.count == 1, constants.usesBatch, let g = context.cotangents[0],
                let u = context.gradientCotangents[0]
            else { return nil }
            let jacobian = NormalizationJacobian(
                x: context.inputs[0], mean: context.saved.mean, factor: context.saved.factor, usesBatch: true)
            let (ofG, ofU) = (try jacobian.projected(g), try jacobian.projected(u))
            return (
                [context.wants(0) ? try jacobian.pairing(ofG, ofU).gradient?.sum() : nil],
                [context.wantsCotangent() ? try jacobian.product(ofU).sum() : nil]
            )
        }
        return (outputs[0], (mean, variance))
    }

    /// dL/dx of batch normalisation from the cotangent g of its output, the sums Σ g and Σ g·(x − mean), the
    /// factor 1/√(σ² + ε) and the slope factor·γ: slope·(g − mean(g) − (x − mean)·factor²·mean(g·(x − mean))).
    static func batchNormInputGradient(
        _ cotangent: Tensor, _ x: Tensor, mean: Tensor, factor: Tensor, slope: Tensor, sum: Tensor,
        product: Tensor
    ) throws -> Tensor {
        let count = Double(x.shape.rows)
        return try x.backend.channelGradient(
            cotangent, x, mean: mean, a: slope,
            b: slope * factor.squared() * product * (-1 / count), c: slope * sum * (-1 / count))
    }
}
