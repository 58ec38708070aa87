extension Tensor {
    /// [Batch norm →] ReLU → depthwise → pointwise convolution as one operation that stores only its input:
    /// half of DARTS's separable convolution, or all of its dilated one.
    ///
    /// - Parameters:
    ///   - depthwise: [k, k, 1, C].
    ///   - pointwise: [1, 1, C, O].
    ///   - geometry: stride, padding and dilation of the depthwise convolution; its groups are C.
    ///   - normalization: applied to the input first.
    /// - Returns: [N, H', W', O], and as constants the moments the input was normalised by.
    public func separableConvolution(
        depthwise: Tensor, pointwise: Tensor, _ geometry: ConvolutionGeometry,
        normalization: Normalization? = nil
    ) throws -> (output: Tensor, moments: (mean: Tensor, variance: Tensor)?) {
        let geometry = ConvolutionGeometry(
            stride: geometry.stride, padding: geometry.padding, dilation: geometry.dilation,
            groups: shape.channels)
        let middle = try geometry.outputShape(input: shape, weights: depthwise.shape)
        try require(
            depthwise.shape[3] == shape.channels, "separableConvolution",
            "depthwise weights \(depthwise.shape) for \(shape.channels) channels, expected one filter each")
        _ = try ConvolutionGeometry().outputShape(input: middle, weights: pointwise.shape)
        try require(
            pointwise.shape[0] == 1 && pointwise.shape[1] == 1, "separableConvolution",
            "pointwise weights \(pointwise.shape), expected [1, 1, C, O]")

        let moments = try normalization?.resolvedMoments(self)
        let affine = normalization?.affine
        let inputs = [self, depthwise, pointwise] + (affine.map { [$0.scale, $0.shift] } ?? [])
        let constants = normalization?.withoutAffine

        @Sendable func block(_ inputs: [Tensor], _ saved: [Tensor]) throws -> SeparableBlock {
            guard saved.count == 2 else {
                return SeparableBlock(depthwise: inputs[1], pointwise: inputs[2], geometry: geometry)
            }
            let hasAffine = inputs.count > 3
            return SeparableBlock(
                prologue: .init(
                    mean: saved[0], scale: hasAffine ? try saved[1] * inputs[3] : saved[1],
                    shift: hasAffine ? inputs[4] : nil),
                depthwise: inputs[1], pointwise: inputs[2], geometry: geometry)
        }

        let outputs = try fused("separableConvolution", inputs) { inputs in
            let input =
                try constants?.composed(
                    inputs[0], scale: inputs.count > 3 ? inputs[3] : nil,
                    shift: inputs.count > 3 ? inputs[4] : nil) ?? inputs[0]
            return [try input.relu().convolution(inputs[1], geometry).convolution(inputs[2])]
        } forward: { inputs in
            let saved = moments.map { [$0.mean, $0.factor] } ?? []
            return ([inputs[0].backend.separableConvolution(inputs[0], try block(inputs, saved))], saved)
        } backward: { context in
            let x = context.inputs[0]
            let block = try block(context.inputs, context.saved)
            let hasAffine = context.inputs.count > 3
            let wantsInput = context.wants(0) || hasAffine && (context.wants(3) || context.wants(4))
            let (input, weights) = x.backend.separableConvolutionGradient(
                x, block, cotangent: context.cotangents[0]!, wantsInput: wantsInput,
                wantsWeights: context.wants(1) || context.wants(2))
            guard let input, let prologue = block.prologue else {
                return [input, weights?.depthwise, weights?.pointwise]
            }
            let factor = context.saved[1]
            let (sum, product) = x.backend.channelSums(input, x, mean: prologue.mean, activated: nil)
            let toX =
                !context.wants(0)
                ? nil
                : constants!.usesBatch
                    ? try Tensor.batchNormInputGradient(
                        input, x, mean: prologue.mean, factor: factor, slope: prologue.scale, sum: sum,
                        product: product)
                    : try input * prologue.scale
            return [toX, weights?.depthwise, weights?.pointwise]
                + (hasAffine ? [try product * factor, sum] : [])
        }
        return (outputs[0], moments.map { ($0.mean, $0.variance) })
    }

    /// Σ_k weights[k]·branch_k, where the branches marked so are batch-normalised (without γ and β) first: the
    /// mixed operation of a search cell, in one pass over its branches (DARTS, Eq. 2).
    ///
    /// - Parameters:
    ///   - branches: tensors of one shape [..., C].
    ///   - normalizations: for each branch how it is normalised; `nil` where it is not. Affine ones are not taken.
    ///   - weights: [K], one for each branch.
    /// - Returns: the sum, and as constants the moments each branch was normalised by.
    public static func normalizedWeightedSum(
        _ branches: [Tensor], normalizations: [Normalization?], weights: Tensor
    ) throws -> (output: Tensor, moments: [(mean: Tensor, variance: Tensor)?]) {
        try require(
            !branches.isEmpty && normalizations.count == branches.count && weights.shape == [branches.count],
            "normalizedWeightedSum",
            "\(branches.count) branches, \(normalizations.count) normalisations and weights \(weights.shape)")
        try require(
            branches.allSatisfy { $0.shape == branches[0].shape && $0.dtype == branches[0].dtype },
            "normalizedWeightedSum",
            "branches of shapes \(branches.map(\.shape)), expected one shape and type")
        try require(
            normalizations.allSatisfy { $0?.affine == nil }, "normalizedWeightedSum",
            "affine normalisations, expected none with γ and β")
        let count = branches.count
        let moments = try zip(branches, normalizations).map { try $1?.resolvedMoments($0) }

        let outputs = try fused("normalizedWeightedSum", branches + [weights]) { inputs in
            var total: Tensor?
            for k in 0..<count {
                let branch =
                    try normalizations[k]?.composed(inputs[k], scale: nil, shift: nil) ?? inputs[k]
                let term = try branch * inputs[count].sliced(axis: 0, from: k, count: 1)
                total = try total.map { try $0 + term } ?? term
            }
            return [total!]
        } forward: { inputs in
            let scales = try (0..<count).map { k in
                let weight = try inputs[count].sliced(axis: 0, from: k, count: 1)
                return try moments[k].map { try $0.factor * weight }
                    ?? weight.broadcast(to: [inputs[k].shape.channels])
            }
            var shift: Tensor?
            for k in 0..<count {
                guard let mean = moments[k]?.mean else { continue }
                let term = try mean * scales[k]
                shift = try shift.map { try $0 - term } ?? term.negated()
            }
            return (
                [
                    inputs[0].backend.channelAffineSum(
                        Array(inputs.prefix(count)), scales: scales, shift: shift)
                ], scales
            )
        } backward: { context in
            let g = context.cotangents[0]!
            let zero = g.backend.zeros([g.shape.channels], g.dtype)
            var results: [Tensor?] = []
            var toWeights: [Tensor] = []
            for k in 0..<count {
                let (x, scale) = (context.inputs[k], context.saved[k])
                if !context.wants(count), !(normalizations[k]?.usesBatch ?? false) {
                    results.append(context.wants(k) ? try g * scale : nil)
                    continue
                }
                let (sum, product) = g.backend.channelSums(
                    g, x, mean: moments[k]?.mean ?? zero, activated: nil)
                if context.wants(count) {
                    let perChannel = try moments[k].map { try product * $0.factor } ?? product
                    toWeights.append(try perChannel.sum().reshaped(to: [1]))
                }
                if !context.wants(k) {
                    results.append(nil)
                } else if let moments = moments[k], normalizations[k]!.usesBatch {
                    results.append(
                        try batchNormInputGradient(
                            g, x, mean: moments.mean, factor: moments.factor, slope: scale, sum: sum,
                            product: product))
                } else {
                    results.append(try g * scale)
                }
            }
            return results + [context.wants(count) ? try concatenated(toWeights, axis: 0) : nil]
        }
        return (outputs[0], moments.map { $0.map { ($0.mean, $0.variance) } })
    }
}
