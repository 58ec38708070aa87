extension Tensor {
    /// A two-dimensional convolution (cross-correlation): NHWC input, HWIO weights [kh, kw, C/groups, O],
    /// → [N, H', W', O]. Depthwise where `groups` equals the channels.
    public func convolution(_ weights: Tensor, _ geometry: ConvolutionGeometry = .init()) throws -> Tensor {
        let output = try geometry.outputShape(input: shape, weights: weights.shape)
        try require(
            dtype == weights.dtype && dtype.isFloatingPoint, "convolution",
            "input is \(dtype), weights \(weights.dtype), expected one floating-point type")
        try requireOneBackend("convolution", self, weights)
        let result = try backend.convolution(self, weights, geometry)
        assert(result.shape == output)
        return record("convolution", [self, weights], result, savingInputs: [0, 1]) { context in
            let g = context.cotangent
            return [
                context.wants(0)
                    ? try g.convolutionInputGradient(
                        context.input(1), geometry, inputShape: context.inputShape(0)) : nil,
                context.wants(1)
                    ? try context.input(0).convolutionWeightGradient(
                        g, geometry, weightShape: context.inputShape(1)) : nil,
            ]
        }
    }

    /// A transposed convolution: [N, H, W, O] by the weights [kh, kw, C/groups, O] of the convolution it is
    /// the adjoint of → [N, (H − 1)·stride − 2·padding + dilation·(kh − 1) + 1 + outputPadding, …, C].
    public func transposedConvolution(
        _ weights: Tensor, _ geometry: ConvolutionGeometry = .init(), outputPadding: Int = 0
    ) throws -> Tensor {
        try require(
            shape.rank == 4 && weights.shape.rank == 4, "transposedConvolution",
            "input \(shape) and weights \(weights.shape), expected NHWC and HWIO")
        func extent(_ axis: Int) -> Int {
            (shape[axis] - 1) * geometry.stride - 2 * geometry.padding
                + geometry.dilation * (weights.shape[axis - 1] - 1) + 1 + outputPadding
        }
        return try convolutionInputGradient(
            weights, geometry,
            inputShape: [shape[0], extent(1), extent(2), weights.shape[2] * geometry.groups])
    }

    /// The gradient of a convolution with respect to its input, this tensor being the output's cotangent.
    public func convolutionInputGradient(
        _ weights: Tensor, _ geometry: ConvolutionGeometry, inputShape: Shape
    ) throws -> Tensor {
        let output = try geometry.outputShape(input: inputShape, weights: weights.shape)
        try require(
            output == shape, "convolutionInputGradient",
            "a cotangent of shape \(shape), expected \(output) for input \(inputShape)")
        try requireOneBackend("convolutionInputGradient", self, weights)
        let result = try backend.convolutionInputGradient(self, weights, geometry, inputShape: inputShape)
        return record(
            "convolutionInputGradient", [self, weights], result, savingInputs: [0, 1]
        ) { context in
            let u = context.cotangent
            return [
                context.wants(0) ? try u.convolution(context.input(1), geometry) : nil,
                context.wants(1)
                    ? try u.convolutionWeightGradient(
                        context.input(0), geometry, weightShape: context.inputShape(1)) : nil,
            ]
        }
    }

    /// The gradient of a convolution of this tensor with respect to its weights.
    public func convolutionWeightGradient(
        _ cotangent: Tensor, _ geometry: ConvolutionGeometry, weightShape: Shape
    ) throws -> Tensor {
        let output = try geometry.outputShape(input: shape, weights: weightShape)
        try require(
            output == cotangent.shape, "convolutionWeightGradient",
            "a cotangent of shape \(cotangent.shape), expected \(output) for input \(shape)")
        try requireOneBackend("convolutionWeightGradient", self, cotangent)
        let result = try backend.convolutionWeightGradient(
            self, cotangent, geometry, weightShape: weightShape)
        return record(
            "convolutionWeightGradient", [self, cotangent], result, savingInputs: [0, 1]
        ) { context in
            let u = context.cotangent
            return [
                context.wants(0)
                    ? try context.input(1).convolutionInputGradient(
                        u, geometry, inputShape: context.inputShape(0)) : nil,
                context.wants(1) ? try context.input(0).convolution(u, geometry) : nil,
            ]
        }
    }
}

extension ConvolutionGeometry {
    /// - Throws: `TensorError` if the shapes do not fit each other.
    public func outputShape(input: Shape, weights: Shape) throws -> Shape {
        try require(
            input.rank == 4 && weights.rank == 4, "convolution",
            "input \(input) and weights \(weights), expected NHWC and HWIO")
        try require(
            stride > 0 && padding >= 0 && dilation > 0 && groups > 0, "convolution",
            "stride \(stride), padding \(padding), dilation \(dilation), groups \(groups)")
        try require(
            weights[2] * groups == input[3] && weights[3] % groups == 0, "convolution",
            "weights \(weights) in \(groups) group(s) expect \(weights[2] * groups) input channels and "
                + "outputs divisible by the groups; the input is \(input)")
        let height = outputExtent(input[1], kernel: weights[0])
        let width = outputExtent(input[2], kernel: weights[1])
        try require(
            input[1] + 2 * padding >= dilation * (weights[0] - 1) + 1
                && input[2] + 2 * padding >= dilation * (weights[1] - 1) + 1, "convolution",
            "a \(weights[0])×\(weights[1]) kernel with dilation \(dilation) does not fit input \(input) "
                + "padded by \(padding)")
        return [input[0], height, width, weights[3]]
    }
}
