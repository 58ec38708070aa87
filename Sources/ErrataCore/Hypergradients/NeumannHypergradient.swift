/// The implicit gradient with the inverse Jacobian as a Neumann series (Lorraine, Vicol and Duvenaud, 2020). Games are
/// solved as one system: the series does not ask for symmetry.
public struct NeumannHypergradient: Hypergradient {
    public struct Settings: Sendable, Hashable {
        /// The series' step, below 2/λ with λ the Jacobian's largest eigenvalue.
        public var rate = 0.01
        /// Terms at most.
        public var iterations = 10
        /// The norm of a term, relative to the first's, at which the series ends.
        public var tolerance = 1e-4
        /// Added to the Jacobian's diagonal.
        public var damping = 0.0
        /// How many steps each level takes before A's.
        public var innerSteps = 1
        /// The occurrences of A that are kept; all where absent.
        public var paths: Set<String>?

        public init() {}
    }

    public let settings: Settings

    public init(_ settings: Settings = .init()) { self.settings = settings }

    public var innerSteps: Int { settings.innerSteps }

    public func gradient(
        of problem: MultilevelProblem, at solution: Solution, recording record: EvaluationRecord?
    ) throws -> OuterGradient {
        let stopping = StoppingRule(iterations: settings.iterations, tolerance: settings.tolerance)
        let rate = settings.rate
        let levels = ImplicitLevels(damping: settings.damping) { map, b, _ in
            try neumannSeries(map, b, rate: rate, stopping)
        }
        return try AdjointSweep(
            problem: problem, solution: solution, paths: settings.paths, levels: levels
        ).gradient(recording: record)
    }
}
