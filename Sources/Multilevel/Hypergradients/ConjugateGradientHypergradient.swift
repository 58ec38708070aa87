/// The implicit gradient with the linear system solved by conjugate gradients (Rajeswaran et al., 2019). A game's
/// Jacobian is not symmetric: its system is solved by GMRES, as is one whose Hessian turns out not to be positive.
public struct ConjugateGradientHypergradient: Hypergradient {
    public var paths: Set<String>?
    /// Products with the Jacobian at most, and the residual's norm, relative to the right-hand side's, at which the
    /// solver stops.
    public var stopping = StoppingRule(iterations: 10, tolerance: 1e-4)
    /// Added to the Jacobian's diagonal.
    public var damping = 0.0

    public init() {}

    public func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient {
        let levels = ImplicitLevels(damping: damping) { map, b, isSymmetric in
            try isSymmetric ? conjugateGradients(map, b, stopping) : gmres(map, b, stopping)
        }
        return try AdjointSweep(problem, solution, paths: paths, levels: levels).gradient()
    }
}
