import TensorEngine

/// Stochastic gradient descent with momentum and L2 weight decay: v ← momentum·v + (g + weightDecay·θ);
/// θ ← θ − rate·v. The first velocity is the first gradient.
public struct SGD: Optimizer, Hashable {
    public var momentum: Double
    public var weightDecay: Double

    public init(momentum: Double = 0, weightDecay: Double = 0) {
        self.momentum = momentum
        self.weightDecay = weightDecay
    }

    public var slots: [String] { momentum == 0 ? [] : ["velocities"] }

    public func step(_ parameter: Tensor, gradient: Tensor, slots: [Tensor?], rate: Double, count: Int) throws
        -> (parameter: Tensor, slots: [Tensor])
    {
        var velocity = weightDecay == 0 ? gradient : try gradient + parameter * weightDecay
        if let before = slots.first ?? nil { velocity = try before * momentum + velocity }
        return (try parameter - velocity * rate, momentum == 0 ? [] : [velocity])
    }
}
