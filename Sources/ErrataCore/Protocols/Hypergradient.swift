import TensorEngine

/// A method that computes the gradient of a multilevel problem's outer objective with respect to the
/// architecture (Eq. 12 and its approximations).
public protocol Hypergradient: Sendable {
    /// - Parameters:
    ///   - problem: the levels and the outer objective.
    ///   - solution: where `problem.solve()` arrived.
    ///   - record: gathers what the outer objective yields.
    /// - Returns: the outer objective's value, and its gradient for each tensor of the architecture.
    func gradient(of problem: MultilevelProblem, at solution: Solution, recording record: EvaluationRecord?)
        throws -> (value: Double, gradient: [Tensor])
}
