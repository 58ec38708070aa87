import NeuralNetworks
import TensorEngine

/// RMSprop (Tieleman and Hinton, 2012): v ← α·v + (1 − α)g²; θ ← θ − rate·g/(√v + ε), the decay weightDecay·θ added
/// to g, as PyTorch's `RMSprop` does. An optimiser that its framework has never heard of.
public struct RMSprop: Optimizer {
    public var alpha: Double
    public var epsilon: Double
    public var weightDecay: Double

    public init(alpha: Double = 0.99, epsilon: Double = 1e-8, weightDecay: Double = 0) {
        self.alpha = alpha
        self.epsilon = epsilon
        self.weightDecay = weightDecay
    }

    public var slots: [String] { ["square_averages"] }

    public func step(_ parameter: Tensor, gradient: Tensor, slots: [Tensor?], rate: Double, count: Int) throws
        -> (parameter: Tensor, slots: [Tensor])
    {
        let g = try gradient + parameter * weightDecay
        var average = try g.squared() * (1 - alpha)
        if let before = slots[0] { average = try before * alpha + average }
        return (try parameter - g / (average.squareRootFlatAtZero() + epsilon) * rate, [average])
    }
}
