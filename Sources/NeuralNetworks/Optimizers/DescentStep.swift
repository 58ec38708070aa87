import TensorEngine

/// One step that is about to be taken: an optimiser with what it remembers, its learning rate and its clipping. A
/// function in differentiable operations.
public struct DescentStep: Sendable {
    public let optimizer: any Optimizer
    public var state: OptimizerState
    public let rate: Double
    /// The largest joint Euclidean norm of the gradients; `nil` does not clip.
    public let clip: Double?

    public init(
        _ optimizer: any Optimizer, state: OptimizerState = .init(), rate: Double, clip: Double? = nil
    ) {
        self.optimizer = optimizer
        self.state = state
        self.rate = rate
        self.clip = clip
    }

    /// The same step without clipping.
    public var unclipped: DescentStep { DescentStep(optimizer, state: state, rate: rate) }

    /// - Parameters:
    ///   - parameters: before the step.
    ///   - gradients: for each parameter.
    ///   - holdingClip: whether the factor that clips is a constant to differentiation.
    /// - Returns: the parameters after the step, the optimiser's state after it, and the gradients' norm before
    ///   clipping where clipping is on.
    /// - Throws: what the optimiser throws; `TensorError` if there is nothing to clip.
    public func callAsFunction(_ parameters: [Tensor], gradients: [Tensor], holdingClip: Bool = false) throws
        -> (parameters: [Tensor], state: OptimizerState, norm: Tensor?)
    {
        var gradients = gradients
        var norm: Tensor?
        if let clip { (gradients, norm) = try clipped(gradients, norm: clip, holdingFactor: holdingClip) }
        let (updated, after) = try optimizer.step(
            parameters, gradients: gradients, state: state, rate: rate)
        return (updated, after, norm)
    }
}

extension Descent {
    /// The step that is taken at a time from what the optimiser remembers.
    public func step(_ state: OptimizerState, at time: TrainingTime) -> DescentStep {
        DescentStep(optimizer, state: state, rate: rate(at: time), clip: clip)
    }
}
