import TensorEngine

/// Gradients scaled so that their joint Euclidean norm is at most `limit`, and that norm before.
///
/// - Parameters:
///   - gradients: of all parameters that are clipped together.
///   - limit: above 0.
///   - holdingFactor: whether the factor they are scaled by is a constant to differentiation.
/// - Throws: `TensorError` if there are no gradients.
public func clipped(_ gradients: [Tensor], norm limit: Double, holdingFactor: Bool = false) throws
    -> (gradients: [Tensor], norm: Tensor)
{
    let norm = try gradients.squaredNorm().squareRootFlatAtZero()
    var factor = try Tensor.minimum(norm.filled(with: limit) / (norm + 1e-6), norm.filled(with: 1))
    if holdingFactor { factor = factor.detached }
    return (try gradients.map { try $0 * factor }, norm)
}

extension Tensor {
    /// √x, differentiated with the derivative 0 at 0, where √'s own is infinite: the norm of a gradient that is 0
    /// gives no NaN.
    public func squareRootFlatAtZero() throws -> Tensor {
        guard isDifferentiable else { return try squareRoot() }
        let positive = try Tensor.greater(self, filled(with: 0))
        return try (self + (1 - positive)).squareRoot().masked(where: positive)
    }
}
