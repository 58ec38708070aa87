extension Tensor {
    /// The maximum over square windows of an NHWC tensor; padding never wins, the first of equals does.
    public func maxPool(_ window: PoolingWindow) throws -> Tensor {
        try checkWindow("maxPool", window)
        let (maxima, positions) = try backend.maxPool(self, window)
        let inputShape = shape
        return record("maxPool", [self], maxima) {
            [try $0.cotangent.scatteringPositions(positions, inputShape: inputShape)]
        }
    }

    /// out[n, p, c] = self[n, positions[n, p, c], c], the positions within an image's flattened H·W plane.
    func gatheringPositions(_ positions: Tensor) throws -> Tensor {
        try requireOneBackend("gatherPositions", self, positions)
        let inputShape = shape
        return record("gatherPositions", [self], try backend.gatherPositions(self, positions)) {
            [try $0.cotangent.scatteringPositions(positions, inputShape: inputShape)]
        }
    }

    /// The adjoint of `gatheringPositions`: max pooling's gradient.
    func scatteringPositions(_ positions: Tensor, inputShape: Shape) throws -> Tensor {
        try requireOneBackend("scatterPositions", self, positions)
        return record(
            "scatterPositions", [self], try backend.scatterPositions(self, positions, inputShape: inputShape)
        ) {
            [try $0.cotangent.gatheringPositions(positions)]
        }
    }

    /// The average over square windows of an NHWC tensor, counting only pixels inside the image.
    public func averagePool(_ window: PoolingWindow) throws -> Tensor {
        try checkWindow("averagePool", window)
        let inputShape = shape
        return record("averagePool", [self], try backend.averagePool(self, window)) {
            [try $0.cotangent.averagePoolGradient(window, inputShape: inputShape)]
        }
    }

    /// The adjoint of `averagePool`.
    func averagePoolGradient(_ window: PoolingWindow, inputShape: Shape) throws -> Tensor {
        record(
            "averagePoolGradient", [self],
            try backend.averagePoolGradient(self, window, inputShape: inputShape)
        ) {
            [try $0.cotangent.averagePool(window)]
        }
    }

    /// The mean over height and width of an NHWC tensor: [N, C].
    public func globalAveragePool() throws -> Tensor {
        try require(shape.rank == 4, "globalAveragePool", "a tensor of shape \(shape), expected NHWC")
        return try mean(axes: [1, 2])
    }

    func checkWindow(_ name: String, _ window: PoolingWindow) throws {
        try require(
            shape.rank == 4 && dtype.isFloatingPoint, name, "\(dtype) \(shape), expected floating NHWC")
        try require(
            window.size > 0 && window.stride > 0 && window.padding >= 0 && 2 * window.padding <= window.size,
            name,
            "size \(window.size), stride \(window.stride), padding \(window.padding); "
                + "the padding may be at most half the size")
        try require(
            shape[1] + 2 * window.padding >= window.size && shape[2] + 2 * window.padding >= window.size,
            name, "a window of \(window.size) does not fit \(shape) padded by \(window.padding)")
    }
}
