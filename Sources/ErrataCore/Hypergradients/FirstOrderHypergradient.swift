import TensorEngine

/// The direct term of Eq. 12 alone: W2′ is taken as a constant. The paper's DARTS-1st.
public struct FirstOrderHypergradient: Hypergradient {
    public init() {}

    public func gradient(
        of problem: MultilevelProblem, at solution: Solution, recording record: EvaluationRecord?
    ) throws -> (value: Double, gradient: [Tensor]) {
        var point = solution.point
        point.architecture = problem.architecture.map(\.variable)
        let outer = try problem.outer(point, record)
        return (
            try outer.item(),
            try gradients(of: outer, withRespectTo: point.architecture, releasingGraph: true)
        )
    }
}
