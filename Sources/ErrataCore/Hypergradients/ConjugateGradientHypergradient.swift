/// The implicit gradient with the linear system solved by conjugate gradients (Rajeswaran et al., 2019). A game's
/// Jacobian is not symmetric: its system is solved by GMRES, as is one whose Hessian turns out not to be positive.
public struct ConjugateGradientHypergradient: Hypergradient {
    public struct Settings: Sendable, Hashable {
        /// Products with the Jacobian at most.
        public var iterations = 10
        /// The residual's norm, relative to the right-hand side's, at which the solver stops.
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
        let levels = ImplicitLevels(damping: settings.damping) { map, b, isSymmetric in
            try isSymmetric ? conjugateGradients(map, b, stopping) : gmres(map, b, stopping)
        }
        return try AdjointSweep(
            problem: problem, solution: solution, paths: settings.paths, levels: levels
        ).gradient(recording: record)
    }
}
