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

/// The direct term of Eq. 12 alone: W2′ is taken as a constant. The paper's DARTS-1st.
public struct FirstOrderHypergradient: Hypergradient {
    public init() {}

    public func gradient(
        of problem: MultilevelProblem, at solution: Solution, recording record: EvaluationRecord?
    ) throws -> (value: Double, gradient: [Tensor]) {
        var point = solution.point
        point.architecture = problem.architecture.map(\.variable)
        let outer = try problem.outer(point, record)
        return (try outer.item(), try gradients(of: outer, withRespectTo: point.architecture))
    }
}
