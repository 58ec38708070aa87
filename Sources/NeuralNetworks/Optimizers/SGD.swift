import TensorEngine

/// Stochastic gradient descent with momentum and L2 weight decay: v ← momentum·v + (g + weightDecay·θ);
/// θ ← θ − rate·v, or, by Nesterov's rule, θ ← θ − rate·(g + weightDecay·θ + momentum·v). The first velocity is the first
/// gradient.
public struct SGD: Optimizer, Hashable {
    public var momentum: Double
    public var weightDecay: Double
    public var nesterov: Bool

    public init(momentum: Double = 0, weightDecay: Double = 0, nesterov: Bool = false) {
        self.momentum = momentum
        self.weightDecay = weightDecay
        self.nesterov = nesterov
    }

    public var slots: [String] { momentum == 0 ? [] : ["velocities"] }

    public func step(_ parameter: Tensor, gradient: Tensor, slots: [Tensor?], rate: Double, count: Int) throws
        -> (parameter: Tensor, slots: [Tensor])
    {
        let descent = weightDecay == 0 ? gradient : try gradient + parameter * weightDecay
        var velocity = descent
        if let before = slots.first ?? nil { velocity = try before * momentum + descent }
        let step = nesterov && momentum != 0 ? try descent + velocity * momentum : velocity
        return (try parameter - step * rate, momentum == 0 ? [] : [velocity])
    }
}
