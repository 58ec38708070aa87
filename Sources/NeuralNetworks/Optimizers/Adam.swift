import Foundation
import TensorEngine

/// Adam (Kingma and Ba, 2015, Algorithm 1), as a function in differentiable operations.
public struct Adam: Sendable, Hashable {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    /// Added to the gradient as weightDecay·θ, as PyTorch's `Adam` does.
    public var weightDecay: Double

    public init(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    /// The moments, none before the first step, and the number of steps taken.
    public struct State: Sendable {
        public var first: [Tensor]
        public var second: [Tensor]
        public var steps: Int

        public init(first: [Tensor] = [], second: [Tensor] = [], steps: Int = 0) {
            self.first = first
            self.second = second
            self.steps = steps
        }
    }

    /// m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; θ ← θ − rate·m̂/(√v̂ + ε).
    public func step(
        _ parameters: [Tensor], gradients: [Tensor], state: State, rate: Double
    ) throws -> (parameters: [Tensor], state: State) {
        var next = State(steps: state.steps + 1)
        let correction1 = 1 - pow(beta1, Double(next.steps))
        let correction2 = 1 - pow(beta2, Double(next.steps))
        var updated: [Tensor] = []
        for (index, (parameter, gradient)) in zip(parameters, gradients).enumerated() {
            let g = weightDecay == 0 ? gradient : try gradient + parameter * weightDecay
            var m = try g * (1 - beta1)
            var v = try g.squared() * (1 - beta2)
            if !state.first.isEmpty {
                m = try state.first[index] * beta1 + m
                v = try state.second[index] * beta2 + v
            }
            next.first.append(m)
            next.second.append(v)
            let deviation = try (v / correction2).squareRootFlatAtZero() + epsilon
            updated.append(try parameter - m / deviation * (rate / correction1))
        }
        return (updated, next)
    }
}
