/// The implicit gradient with the inverse Jacobian as a Neumann series (Lorraine, Vicol and Duvenaud, 2020). Games are
/// solved as one system: the series does not ask for symmetry.
public struct NeumannHypergradient: Hypergradient {
    public var paths: Set<String>?
    /// The series' step, below 2 by the Jacobian's largest eigenvalue.
    public var rate = 0.01
    /// Terms at most, and the norm of a term, relative to the first's, at which the series ends.
    public var stopping = StoppingRule(iterations: 10, tolerance: 1e-4)
    /// Added to the Jacobian's diagonal.
    public var damping = 0.0

    public init() {}

    public func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient {
        let levels = ImplicitLevels(damping: damping) { map, b, _ in
            try neumannSeries(map, b, rate: rate, stopping)
        }
        return try AdjointSweep(problem, solution, paths: paths, levels: levels).gradient()
    }
}
