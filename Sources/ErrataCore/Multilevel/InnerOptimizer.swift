import NeuralNetworks
import TensorEngine

/// The rule by which a level's variables step, with its state: a function in differentiable operations.
public struct InnerOptimizer: Sendable {
    /// The rule with what it remembers of earlier steps.
    public enum Rule: Sendable {
        case sgd(SGD, SGD.State)
        case adam(Adam, Adam.State)
    }

    public var rule: Rule
    public var rate: Double
    /// The largest joint norm of the gradients; not clipped where absent.
    public var clip: Double?

    public init(_ rule: Rule, rate: Double, clip: Double? = nil) {
        self.rule = rule
        self.rate = rate
        self.clip = clip
    }

    /// One step.
    ///
    /// - Parameter holdingClip: whether the factor that clips is a constant to differentiation.
    /// - Returns: the parameters after it, the optimiser to take the next step with, and the gradients' norm
    ///   before clipping where clipping is on.
    public func step(_ parameters: [Tensor], gradients: [Tensor], holdingClip: Bool = false) throws
        -> (parameters: [Tensor], optimizer: InnerOptimizer, norm: Tensor?)
    {
        var gradients = gradients
        var norm: Tensor?
        if let clip { (gradients, norm) = try clipped(gradients, norm: clip, holdingFactor: holdingClip) }
        var next = self
        switch rule {
        case .sgd(let sgd, let state):
            let (updated, state) = try sgd.step(parameters, gradients: gradients, state: state, rate: rate)
            next.rule = .sgd(sgd, state)
            return (updated, next, norm)
        case .adam(let adam, let state):
            let (updated, state) = try adam.step(parameters, gradients: gradients, state: state, rate: rate)
            next.rule = .adam(adam, state)
            return (updated, next, norm)
        }
    }
}
