/// Reverse mode through the levels' own steps, every path included (Eq. 12 to 18).
public struct ExactHypergradient: Hypergradient {
    public struct Settings: Sendable, Hashable {
        /// K: how many steps each level takes, and are differentiated.
        public var unrollSteps = 1
        /// The occurrences of A that are kept; all where absent.
        public var paths: Set<String>?
        public var clip = ClipTreatment.differentiated
        /// Whether second derivatives compute a supernet's cells again instead of keeping them: less memory, more
        /// time, the same gradient.
        public var checkpointing = false

        public init() {}
    }

    public let settings: Settings

    public init(_ settings: Settings = .init()) { self.settings = settings }

    public var innerSteps: Int { settings.unrollSteps }

    public func gradient(
        of problem: MultilevelProblem, at solution: Solution, recording record: EvaluationRecord?
    ) throws -> OuterGradient {
        try AdjointSweep(
            problem: problem, solution: solution, paths: settings.paths,
            levels: UnrolledLevels(
                secondDerivative: DoubleBackward(checkpointing: settings.checkpointing), clip: settings.clip)
        ).gradient(recording: record)
    }
}
