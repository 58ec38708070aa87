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
        } doubleBackward: { context in
            guard context.inputs.count == 3, !context.wants(1), !context.wants(2),
                let cotangent = context.cotangents[0]
            else { return nil }
            let (x, u) = (context.inputs[0], context.gradientCotangents)
            let block = try block(context.inputs, context.saved)
            let jacobian = block.prologue.map {
                NormalizationJacobian(x: x, mean: $0.mean, factor: $0.scale, usesBatch: constants!.usesBatch)
            }
            let found = try SeparableDoubleBackward(x: x, block: block, jacobian: jacobian)(
                cotangent, toInput: u[0], toDepthwise: u[1], toPointwise: u[2],
                wantsInput: context.wants(0), wantsCotangent: context.wantsCotangent())
            return ([found.input, nil, nil], [found.cotangent])
        }
        return (outputs[0], moments.map { ($0.mean, $0.variance) })
    }
}
