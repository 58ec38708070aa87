extension Tensor {
    /// The tensor with each element zeroed with probability `rate` and the others divided by 1 − rate.
    public func dropout(rate: Double, from stream: RandomStream) throws -> Tensor {
        try require(rate >= 0 && rate < 1, "dropout", "rate \(rate), expected 0..<1")
        if rate == 0 { return self }
        return try self * Tensor.keepMask(shape, dtype, rate: rate, on: backend, from: stream)
    }

    /// Whole examples dropped: for each (the first axis) 0 with probability `rate`, else 1/(1 − rate): [N].
    public func keptExamples(rate: Double, from stream: RandomStream) throws -> Tensor {
        try require(rate >= 0 && rate < 1, "keptExamples", "rate \(rate), expected 0..<1")
        return try Tensor.keepMask([shape[0]], dtype, rate: rate, on: backend, from: stream)
    }

    private static func keepMask(
        _ shape: Shape, _ dtype: DType, rate: Double, on backend: any Backend, from stream: RandomStream
    ) throws -> Tensor {
        let draws = try backend.uniform(shape, dtype, in: 0...1, from: stream)
        return try greater(draws, backend.full(rate, .scalar, dtype)) * (1 / (1 - rate))
    }
}
