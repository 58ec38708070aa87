import TensorEngine

/// The direct term of Eq. 12 alone: W2′ is taken as a constant. The paper's DARTS-1st.
public struct FirstOrderHypergradient: Hypergradient {
    public init() {}

    public func gradient(
        of problem: MultilevelProblem, at solution: Solution, recording record: EvaluationRecord?
    ) throws -> OuterGradient {
        var point = solution.point
        point.architecture = problem.architecture.map(\.variable)
        let outer = try problem.outer(point, record)
        let gradient = try gradients(of: outer, withRespectTo: point.architecture, releasingGraph: true)
        return OuterGradient(
            value: try outer.item(), gradient: gradient, terms: [MultilevelProblem.directPath: gradient])
    }
}
