/// Lists of tensors as vectors, such as the gradients of all of a model's parameters.
extension [Tensor] {
    /// Σ x² over the elements of all tensors, of one floating-point type: a scalar. Each tensor's sum is rounded to
    /// that type, and they are added up in order.
    ///
    /// - Throws: `TensorError` if there are none, or of several types or backends.
    public func squaredNorm() throws -> Tensor {
        try requireVectors("squaredNorm", self)
        let total = try self[0].backend.innerProducts(self, self).total
        return record("squaredNorm", self, total, savingInputs: [Int](indices)) { [indices] context in
            try indices.map { context.wants($0) ? try context.cotangent * context.input($0) * 2 : nil }
        }
    }

    /// Σ x·y over the elements of each tensor and that at its place in another list, rounded to their type. However
    /// many there are, the backend is waited for once.
    ///
    /// - Throws: `TensorError` if the lists' shapes differ, there are none, or of several types or backends.
    public func innerProducts(_ other: [Tensor]) throws -> [Double] {
        try requireVectors("innerProducts", other)
        return try self[0].backend.innerProducts(self, other).each.doubles()
    }

    private func requireVectors(_ operation: String, _ other: [Tensor]) throws {
        guard let first else { throw TensorError(operation, "no tensors, expected at least one") }
        try require(
            map(\.shape) == other.map(\.shape)
                && (self + other).allSatisfy { $0.dtype == first.dtype && $0.dtype.isFloatingPoint },
            operation,
            "\(map { "\($0.dtype) \($0.shape)" }) by \(other.map { "\($0.dtype) \($0.shape)" }), expected the same "
                + "shapes and one floating-point type")
        try requireOneBackend(operation, first, self + other)
    }
}
