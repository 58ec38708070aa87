import TensorEngine

/// The direct term of Eq. 12 alone: W2′ is taken as a constant. The paper's DARTS-1st.
public struct FirstOrderHypergradient: Hypergradient {
    public init() {}

    public var differentiatesSteps: Bool { false }

    public func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient {
        var values = solution.values
        values.isObserved = true
        let variables = values.makeVariables([.architecture])
        let outer = try problem.outer(values)
        let gradient = try variables.gradients(
            of: [outer.value], releasingGraph: true, over: problem.communicator)[.architecture]!
        return try OuterGradient(
            outer, gradient: gradient, terms: [MultilevelProblem.directPath: gradient])
    }
}
