/// The chain of `ExactHypergradient` with each second derivative by central differences: the memory of first
/// order. The paper's DARTS-2nd.
public struct FiniteDifferenceHypergradient: Hypergradient {
    public var paths: Set<String>?
    public var clip = ClipTreatment.differentiated
    /// ε·‖w‖: how far the variables are moved along a direction w.
    public var scale = 0.01

    public init() {}

    public func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient {
        try AdjointSweep(
            problem, solution, paths: paths, levels: UnrolledLevels(CentralDifference(scale: scale), clip: clip)
        ).gradient()
    }
}
