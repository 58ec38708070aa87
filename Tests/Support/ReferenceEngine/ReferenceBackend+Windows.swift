import TensorEngine

/// Matrix products, convolutions and pools: sums over all pairs of an output and what it sees.
extension ReferenceBackend {
    public func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor {
        let (left, right) = (values(a), values(b))
        let shape: Shape = [a.shape[0], a.shape[transposeA ? 2 : 1], b.shape[transposeB ? 1 : 2]]
        let inner = a.shape[transposeA ? 1 : 2]
        return tensor(
            shape.indices.map { index in
                let (batch, row, column) = (index[0], index[1], index[2])
                return (0..<inner).reduce(0) { sum, k in
                    sum + left[a.shape.place(of: transposeA ? [batch, k, row] : [batch, row, k])]
                        * right[b.shape.place(of: transposeB ? [batch, column, k] : [batch, k, column])]
                }
            }, shape, a.dtype)
    }

    // MARK: Convolution

    public func convolution(_ x: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry) -> Tensor {
        let (input, filters) = (values(x), values(weights))
        let shape: Shape = [
            x.shape[0], geometry.outputExtent(x.shape[1], kernel: weights.shape[0]),
            geometry.outputExtent(x.shape[2], kernel: weights.shape[1]), weights.shape[3],
        ]
        return tensor(shape, x.dtype) { output in
            eachProduct(x.shape, weights.shape, shape, geometry) { output[$2] += input[$0] * filters[$1] }
        }
    }

    public func convolutionInputGradient(
        _ cotangent: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry, inputShape: Shape
    ) -> Tensor {
        let (g, filters) = (values(cotangent), values(weights))
        return tensor(inputShape, cotangent.dtype) { gradient in
            eachProduct(inputShape, weights.shape, cotangent.shape, geometry) {
                gradient[$0] += g[$2] * filters[$1]
            }
        }
    }

    public func convolutionWeightGradient(
        _ x: Tensor, _ cotangent: Tensor, _ geometry: ConvolutionGeometry, weightShape: Shape
    ) -> Tensor {
        let (input, g) = (values(x), values(cotangent))
        return tensor(weightShape, x.dtype) { gradient in
            eachProduct(x.shape, weightShape, cotangent.shape, geometry) { gradient[$1] += input[$0] * g[$2] }
        }
    }

    /// Calls `body` with the places of an input, a weight and an output for each product of a convolution.
    private func eachProduct(
        _ input: Shape, _ weights: Shape, _ output: Shape, _ geometry: ConvolutionGeometry,
        _ body: (Int, Int, Int) -> Void
    ) {
        let outputsOfGroup = output[3] / geometry.groups
        for (place, at) in output.indices.enumerated() {
            let (image, channel) = (at[0], at[3])
            for i in 0..<weights[0] {
                let y = at[1] * geometry.stride - geometry.padding + i * geometry.dilation
                guard (0..<input[1]).contains(y) else { continue }
                for j in 0..<weights[1] {
                    let x = at[2] * geometry.stride - geometry.padding + j * geometry.dilation
                    guard (0..<input[2]).contains(x) else { continue }
                    for k in 0..<weights[2] {
                        let inputChannel = channel / outputsOfGroup * weights[2] + k
                        body(
                            input.place(of: [image, y, x, inputChannel]),
                            weights.place(of: [i, j, k, channel]),
                            place)
                    }
                }
            }
        }
    }

    // MARK: Pooling

    public func maxPool(_ x: Tensor, _ window: PoolingWindow) -> (maxima: Tensor, positions: Tensor) {
        let (input, shape) = (values(x), window.outputShape(x.shape))
        var positions: [Double] = []
        let maxima = shape.indices.map { at in
            let seen = pixels(at, window, x.shape)
            var best = seen[0]
            for pixel in seen where input[place(pixel, at, x.shape)] > input[place(best, at, x.shape)] {
                best = pixel
            }
            positions.append(Double(best))
            return input[place(best, at, x.shape)]
        }
        return (tensor(maxima, shape, x.dtype), tensor(positions, shape, .int32))
    }

    public func gatherPositions(_ x: Tensor, _ positions: Tensor) -> Tensor {
        let input = values(x)
        return tensor(
            zip(positions.shape.indices, values(positions)).map { input[place(Int($1), $0, x.shape)] },
            positions.shape, x.dtype)
    }

    public func scatterPositions(_ x: Tensor, _ positions: Tensor, inputShape: Shape) -> Tensor {
        let values = values(x)
        let places = zip(positions.shape.indices, self.values(positions)).map {
            place(Int($1), $0, inputShape)
        }
        return tensor(inputShape, x.dtype) { result in
            for (place, value) in zip(places, values) { result[place] += value }
        }
    }

    public func averagePool(_ x: Tensor, _ window: PoolingWindow) -> Tensor {
        let (input, shape) = (values(x), window.outputShape(x.shape))
        return tensor(
            shape.indices.map { at in
                let seen = pixels(at, window, x.shape)
                return seen.reduce(0) { $0 + input[place($1, at, x.shape)] } / Double(seen.count)
            }, shape, x.dtype)
    }

    public func averagePoolGradient(_ cotangent: Tensor, _ window: PoolingWindow, inputShape: Shape) -> Tensor
    {
        let g = values(cotangent)
        return tensor(inputShape, cotangent.dtype) { gradient in
            for (at, g) in zip(cotangent.shape.indices, g) {
                let seen = pixels(at, window, inputShape)
                for pixel in seen { gradient[place(pixel, at, inputShape)] += g / Double(seen.count) }
            }
        }
    }

    /// The pixels of an image's plane that a pool's output sees.
    private func pixels(_ output: [Int], _ window: PoolingWindow, _ input: Shape) -> [Int] {
        func seen(_ axis: Int) -> Range<Int> {
            let start = output[axis] * window.stride - window.padding
            return max(start, 0)..<min(start + window.size, input[axis])
        }
        return seen(1).flatMap { y in seen(2).map { x in y * input[2] + x } }
    }

    /// The place of a pixel, in the image and channel of an index.
    private func place(_ pixel: Int, _ index: [Int], _ input: Shape) -> Int {
        (index[0] * input[1] * input[2] + pixel) * input[3] + index[3]
    }
}
