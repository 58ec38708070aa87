import TensorEngine

/// Lists of tensors as vectors.
extension [Tensor] {
    public func adding(_ other: [Tensor], times factor: Double = 1) throws -> [Tensor] {
        try zip(self, other).map { try factor == 1 ? $0 + $1 : $0 + $1 * factor }
    }

    public func scaled(by factor: Double) throws -> [Tensor] { try map { try $0 * factor } }

    public func inner(_ other: [Tensor]) throws -> Double {
        try innerProducts(other).reduce(0, +)
    }

    /// The Euclidean norm of all elements together.
    public func norm() throws -> Double { try inner(self).squareRoot() }
}
