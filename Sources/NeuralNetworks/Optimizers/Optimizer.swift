import TensorEngine

/// A rule by which parameters step along their gradients, as a function in differentiable operations: parameter,
/// gradient and what is remembered in, parameter and what is remembered out.
///
/// Nothing else needs to know a rule: checkpoints keep its slots by name, hypergradients differentiate its step.
public protocol Optimizer: Sendable {
    /// The names of the tensors that are remembered for each parameter, each of the parameter's shape, such as
    /// `velocities`.
    var slots: [String] { get }

    /// The L2 decay that the rule adds to the gradient, as weightDecay·θ; 0 by default. Levels come to rest where
    /// gradient + weightDecay·θ = 0, which the implicit hypergradients solve.
    var weightDecay: Double { get }

    /// One parameter's step.
    ///
    /// - Parameters:
    ///   - parameter: before the step.
    ///   - gradient: of the parameter's shape.
    ///   - slots: by `slots`; all `nil` before the first step.
    ///   - rate: the learning rate.
    ///   - count: the steps taken before.
    /// - Returns: the parameter after the step, and the slots.
    /// - Throws: `TensorError` if the tensors' shapes differ.
    func step(_ parameter: Tensor, gradient: Tensor, slots: [Tensor?], rate: Double, count: Int) throws
        -> (parameter: Tensor, slots: [Tensor])
}

/// What an optimiser remembers of a model's earlier steps.
public struct OptimizerState: Sendable {
    /// By slot and parameter; empty before the first step.
    public var slots: [[Tensor]]
    /// The steps taken.
    public var count: Int

    /// Before the first step.
    public init() { self.init(slots: [], count: 0) }

    public init(slots: [[Tensor]], count: Int) {
        self.slots = slots
        self.count = count
    }
}

extension Optimizer {
    public var weightDecay: Double { 0 }

    /// One step of all of a model's parameters.
    ///
    /// - Throws: what the rule throws.
    public func step(_ parameters: [Tensor], gradients: [Tensor], state: OptimizerState, rate: Double) throws
        -> (parameters: [Tensor], state: OptimizerState)
    {
        var updated: [Tensor] = []
        var kept = slots.map { _ in [Tensor]() }
        for (index, (parameter, gradient)) in zip(parameters, gradients).enumerated() {
            let before = slots.indices.map { state.slots.isEmpty ? nil : state.slots[$0][index] }
            let (parameter, after) = try step(
                parameter, gradient: gradient, slots: before, rate: rate, count: state.count)
            updated.append(parameter)
            for (slot, tensor) in after.enumerated() { kept[slot].append(tensor) }
        }
        return (updated, OptimizerState(slots: kept, count: state.count + 1))
    }
}
