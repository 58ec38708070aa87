extension Tensor {
    /// The logarithm of the softmax over the last axis.
    public func logSoftmax() throws -> Tensor {
        let shifted = try self - detached.max(axes: [-1], keepingAxes: true)
        return try shifted - shifted.exp().sum(axes: [-1], keepingAxes: true).log()
    }

    /// The softmax over the last axis.
    public func softmax() throws -> Tensor { try logSoftmax().exp() }

    /// The Int32 tensor [N] of classes as rows [N, classes] of 0 and 1.
    ///
    /// - Throws: `TensorError` if these are no classes, or the backend finds one that is not in 0..<classes.
    public func oneHot(_ classes: Int, _ dtype: DType) throws -> Tensor {
        try require(
            self.dtype == .int32 && shape.rank == 1 && dtype.isFloatingPoint, "oneHot",
            "\(self.dtype) \(shape) as \(dtype), expected int32 [N] as a floating-point type")
        return try backend.oneHot(self, classes: classes, dtype)
    }
}
