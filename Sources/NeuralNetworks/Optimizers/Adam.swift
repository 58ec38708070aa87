import Foundation
import TensorEngine

/// Adam (Kingma and Ba, 2015, Algorithm 1): m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; θ ← θ − rate·m̂/(√v̂ + ε), the
/// decay weightDecay·θ added to g, as PyTorch's `Adam` does.
public struct Adam: Optimizer, Hashable {
    public var beta1: Double
    public var beta2: Double
    public var epsilon: Double
    public var weightDecay: Double

    public init(
        beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0
    ) {
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    public var slots: [String] { ["first_moments", "second_moments"] }

    public func step(_ parameter: Tensor, gradient: Tensor, slots: [Tensor?], rate: Double, count: Int) throws
        -> (parameter: Tensor, slots: [Tensor])
    {
        let correction1 = 1 - pow(beta1, Double(count + 1))
        let correction2 = 1 - pow(beta2, Double(count + 1))
        let g = weightDecay == 0 ? gradient : try gradient + parameter * weightDecay
        var m = try g * (1 - beta1)
        var v = try g.squared() * (1 - beta2)
        if let first = slots[0], let second = slots[1] {
            m = try first * beta1 + m
            v = try second * beta2 + v
        }
        let deviation = try (v / correction2).squareRootFlatAtZero() + epsilon
        return (try parameter - m / deviation * (rate / correction1), [m, v])
    }
}
