/// The chain of `ExactHypergradient` with each second derivative by central differences: the memory of first
/// order. The paper's DARTS-2nd.
public struct FiniteDifferenceHypergradient: Hypergradient {
    public struct Settings: Sendable, Hashable {
        /// ε·‖w‖: how far the variables are moved along a direction w.
        public var scale = 0.01
        /// K: how many steps each level takes, and are differentiated.
        public var unrollSteps = 1
        /// The occurrences of A that are kept; all where absent.
        public var paths: Set<String>?
        public var clip = ClipTreatment.differentiated

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
                secondDerivative: CentralDifference(scale: settings.scale), clip: settings.clip)
        ).gradient(recording: record)
    }
}
