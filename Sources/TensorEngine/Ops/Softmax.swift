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
    /// - Throws: `TensorError` if a class is not in 0..<classes.
    public func oneHot(_ classes: Int, _ dtype: DType) throws -> Tensor {
        let labels: [Int32] = try values()
        var rows = [Float](repeating: 0, count: labels.count * classes)
        for (row, label) in labels.enumerated() {
            try require(
                label >= 0 && label < classes, "oneHot", "label \(label), expected 0..<\(classes)")
            rows[row * classes + Int(label)] = 1
        }
        return try backend.tensor(rows, [labels.count, classes]).cast(to: dtype)
    }
}
