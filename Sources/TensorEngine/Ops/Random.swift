extension Tensor {
    /// The tensor with each element zeroed with probability `rate` and the others divided by 1 − rate.
    public func dropout(rate: Double, from stream: RandomStream) throws -> Tensor {
        try require(rate >= 0 && rate < 1, "dropout", "rate \(rate), expected 0..<1")
        if rate == 0 { return self }
        return try self * Tensor.keepMask(shape, dtype, rate: rate, on: backend, from: stream)
    }

    /// Zeroes whole examples (the first axis) with probability `rate` and divides the others by 1 − rate:
    /// DARTS's drop path.
    public func droppedPath(rate: Double, from stream: RandomStream) throws -> Tensor {
        try require(rate >= 0 && rate < 1, "dropPath", "rate \(rate), expected 0..<1")
        if rate == 0 { return self }
        let perExample = Shape([shape[0]] + [Int](repeating: 1, count: shape.rank - 1))
        return try self * Tensor.keepMask(perExample, dtype, rate: rate, on: backend, from: stream)
    }

    private static func keepMask(
        _ shape: Shape, _ dtype: DType, rate: Double, on backend: any Backend, from stream: RandomStream
    ) throws -> Tensor {
        let draws = backend.uniform(shape, dtype, in: 0...1, from: stream)
        return try greater(draws, backend.full(rate, .scalar, dtype)) * (1 / (1 - rate))
    }
}
