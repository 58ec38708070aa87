import TensorEngine

/// Reverse accumulation through a problem's stages, one function at a time: first the outer objective, then the
/// last stage, and so on; each hands cotangents to the values it was computed from, and to its occurrence of A
/// a term of the hypergradient (Eq. 12 to 18).
///
/// One function's graph is alive at a time, and no function is differentiated that no kept path runs through.
public struct AdjointSweep {
    private let problem: MultilevelProblem
    private let solution: Solution
    private let paths: Set<String>?
    private let levels: any LevelAdjoint

    /// - Parameters:
    ///   - problem: the stages and the outer objective.
    ///   - solution: where the problem's own `solve()` arrived.
    ///   - paths: the occurrences of A that are kept; all where absent.
    ///   - levels: what takes cotangents through a level.
    public init(
        _ problem: MultilevelProblem, _ solution: Solution, paths: Set<String>?, levels: any LevelAdjoint
    ) {
        self.problem = problem
        self.solution = solution
        self.paths = paths
        self.levels = levels
    }

    /// - Throws: what the problem's functions throw.
    public func gradient() throws -> OuterGradient {
        var kept = KeptPaths(paths: paths)
        let before = problem.stages.map { stage in
            defer {
                switch stage {
                case .coupling(let coupling): kept.pass(coupling)
                case .level(let level): levels.extend(&kept, through: level)
                }
            }
            return kept
        }

        var cotangents = Cotangents()
        let outer = try pullOuter(kept, &cotangents)
        var steps = solution.steps[...]
        for (stage, kept) in zip(problem.stages, before).reversed() {
            switch stage {
            case .coupling(let coupling): try pull(coupling, kept, &cotangents)
            case .level(let level):
                let trace = LevelTrace(
                    steps: steps.removeLast(), end: solution.values, communicator: problem.communicator)
                try levels.pull(level, trace, kept, &cotangents)
            }
        }
        return try OuterGradient(
            outer, gradient: try cotangents.total(for: problem.architecture), terms: cotangents.terms,
            over: problem.communicator)
    }

    private func pullOuter(_ kept: KeptPaths, _ cotangents: inout Cotangents) throws -> Evaluation {
        let path = MultilevelProblem.directPath
        var values = solution.values
        values.isObserved = true
        let variables = values.makeVariables(kept.targets(problem.outer.dependencies, path: path))
        let outer = try problem.outer(values)
        try cotangents.add(
            variables.gradients(of: [outer.value], releasingGraph: true, over: problem.communicator),
            path: path)
        return outer
    }

    private func pull(_ coupling: Coupling, _ kept: KeptPaths, _ cotangents: inout Cotangents) throws {
        guard let cotangent = cotangents.take(coupling.id) else { return }
        var values = solution.values
        let path = coupling.id.name
        let variables = values.makeVariables(kept.targets(coupling.function.dependencies, path: path))
        try cotangents.add(
            variables.gradients(
                of: coupling.function(values).tensors, cotangents: cotangent, releasingGraph: true,
                over: problem.communicator), path: path)
    }
}

/// How a method takes cotangents through a level.
public protocol LevelAdjoint: Sendable {
    /// Adds the players that a kept path leads to.
    func extend(_ kept: inout KeptPaths, through level: Level)

    /// Replaces the cotangents of the players' variables after the level by what they owe to the values before.
    ///
    /// - Parameters:
    ///   - level: as the problem has it.
    ///   - trace: how it went.
    ///   - kept: which values before the level a kept path leads to.
    ///   - cotangents: of the values so far, and the terms of A's gradient.
    func pull(_ level: Level, _ trace: LevelTrace, _ kept: KeptPaths, _ cotangents: inout Cotangents) throws
}

/// How a level went.
public struct LevelTrace: Sendable {
    /// By level step: what each player did.
    public let steps: [[Solution.Turn]]
    /// The values after all stages.
    public let end: Values
    public let communicator: any Communicator
}
