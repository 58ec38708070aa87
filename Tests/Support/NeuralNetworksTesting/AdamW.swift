import NeuralNetworks
import TensorEngine

/// Adam with decoupled decay (Loshchilov and Hutter, 2019): θ ← (1 − rate·decay)·θ, then Adam's step. The decay is no
/// L2 term of the gradient, so `weightDecay` is 0.
public struct AdamW: Optimizer {
    public var adam: Adam
    public var decay: Double

    public init(_ adam: Adam = Adam(), decay: Double = 0.01) {
        self.adam = adam
        self.decay = decay
    }

    public var slots: [String] { adam.slots }

    public func step(_ parameter: Tensor, gradient: Tensor, slots: [Tensor?], rate: Double, count: Int) throws
        -> (parameter: Tensor, slots: [Tensor])
    {
        try adam.step(
            parameter * (1 - rate * decay), gradient: gradient, slots: slots, rate: rate, count: count)
    }
}
