/// Reverse mode through the levels' own steps, every path included (Eq. 12 to 18).
public struct ExactHypergradient: Hypergradient {
    public var paths: Set<String>?
    public var clip = ClipTreatment.differentiated
    /// Whether second derivatives compute a supernet's parts again instead of keeping them: less memory, more
    /// time, the same gradient.
    public var checkpointing = false

    public init() {}

    public func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient {
        try AdjointSweep(
            problem, solution, paths: paths,
            levels: UnrolledLevels(DoubleBackward(checkpointing: checkpointing), clip: clip)
        ).gradient()
    }
}
