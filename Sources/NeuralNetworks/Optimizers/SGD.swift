import TensorEngine

/// Stochastic gradient descent with momentum and weight decay, as a function: parameters, gradients and state
/// in, parameters and state out, in differentiable operations.
public struct SGD: Sendable, Hashable {
    public var momentum: Double
    /// Added to the gradient as weightDecay·θ, before the momentum.
    public var weightDecay: Double

    public init(momentum: Double = 0, weightDecay: Double = 0) {
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    /// The velocities, none before the first step.
    public struct State: Sendable {
        public var velocities: [Tensor]

        public init(velocities: [Tensor] = []) { self.velocities = velocities }
    }

    /// v ← momentum·v + (g + weightDecay·θ); θ ← θ − rate·v. The first velocity is the first gradient.
    public func step(
        _ parameters: [Tensor], gradients: [Tensor], state: State, rate: Double
    ) throws -> (parameters: [Tensor], state: State) {
        var updated: [Tensor] = []
        var velocities: [Tensor] = []
        for (index, (parameter, gradient)) in zip(parameters, gradients).enumerated() {
            var velocity = weightDecay == 0 ? gradient : try gradient + parameter * weightDecay
            if momentum != 0 {
                if !state.velocities.isEmpty {
                    velocity = try state.velocities[index] * momentum + velocity
                }
                velocities.append(velocity)
            }
            updated.append(try parameter - velocity * rate)
        }
        return (updated, State(velocities: velocities))
    }
}

/// Gradients scaled so that their joint Euclidean norm is at most `limit`, and that norm before.
///
/// - Parameter holdingFactor: whether the factor they are scaled by is a constant to differentiation.
public func clipped(_ gradients: [Tensor], norm limit: Double, holdingFactor: Bool = false) throws
    -> (gradients: [Tensor], norm: Tensor)
{
    let norm = try gradients.squaredNorm().squareRootFlatAtZero()
    var factor = try Tensor.minimum(norm.filled(with: limit) / (norm + 1e-6), norm.filled(with: 1))
    if holdingFactor { factor = factor.detached }
    return (try gradients.map { try $0 * factor }, norm)
}

extension Tensor {
    /// √x, differentiated with the derivative 0 at 0, where √'s own is infinite: a parameter without a gradient
    /// gives no NaN.
    func squareRootFlatAtZero() throws -> Tensor {
        guard isDifferentiable else { return try squareRoot() }
        let positive = try Tensor.greater(self, filled(with: 0))
        return try (self + (1 - positive)).squareRoot().masked(where: positive)
    }
}
