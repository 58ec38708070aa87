import TensorEngine

/// Reverse accumulation through a problem's stages, one function at a time: first the outer objective, then the
/// last stage, and so on; each hands cotangents to the values it was computed from, and to its occurrence of A
/// a term of the hypergradient (Eq. 12 to 18).
///
/// One function's graph is alive at a time, and no function is differentiated that no kept path runs through.
struct AdjointSweep {
    let problem: MultilevelProblem
    let solution: Solution
    /// The occurrences of A that are kept; all where absent.
    let paths: Set<String>?
    /// What takes cotangents through a level.
    let levels: any LevelAdjoint

    func gradient(recording record: EvaluationRecord?) throws -> OuterGradient {
        var reach = Reach(paths: paths)
        let reaches = problem.stages.map { stage in
            defer {
                switch stage {
                case .derived(let derived): reach.pass(derived)
                case .level(let level): levels.extend(&reach, through: level, innerSteps: innerSteps)
                }
            }
            return reach
        }

        var cotangents = Cotangents()
        let value = try pullOuter(reach, &cotangents, record)
        var steps = solution.steps[...]
        for (stage, reach) in zip(problem.stages, reaches).reversed() {
            switch stage {
            case .derived(let derived): try pull(derived, reach, &cotangents)
            case .level(let level):
                try levels.pull(
                    level, LevelTrace(steps: steps.removeLast(), end: solution.point), reach, &cotangents)
            }
        }
        return OuterGradient(
            value: value, gradient: try cotangents.total(for: problem.architecture),
            terms: cotangents.terms)
    }

    private var innerSteps: Int { solution.steps.first?.count ?? 1 }

    private func pullOuter(_ reach: Reach, _ cotangents: inout Cotangents, _ record: EvaluationRecord?) throws
        -> Double
    {
        let path = MultilevelProblem.directPath
        var point = solution.point
        let variables = point.makeVariables(reach.targets(problem.outer.dependencies, path: path))
        let outer = try problem.outer(point, record)
        try cotangents.add(
            variables.gradients(of: [outer], cotangents: nil, releasingGraph: true), path: path)
        return try outer.item()
    }

    private func pull(_ derived: Derived, _ reach: Reach, _ cotangents: inout Cotangents) throws {
        guard let cotangent = cotangents.take(derived.name) else { return }
        var point = solution.point
        let variables = point.makeVariables(reach.targets(derived.dependencies, path: derived.name))
        try cotangents.add(
            variables.gradients(of: derived(point), cotangents: cotangent, releasingGraph: true),
            path: derived.name)
    }
}

/// How a method takes cotangents through a level.
protocol LevelAdjoint: Sendable {
    /// Adds the players that a kept path leads to.
    func extend(_ reach: inout Reach, through level: Level, innerSteps: Int)

    /// Replaces the cotangents of the players' variables after the level by what they owe to the values before.
    ///
    /// - Parameter reach: which values before the level a kept path leads to.
    func pull(_ level: Level, _ trace: LevelTrace, _ reach: Reach, _ cotangents: inout Cotangents) throws
}

/// How a level went.
struct LevelTrace {
    /// By inner step and player.
    let steps: [[Solution.Step]]
    /// The values after all stages.
    let end: Point
}

/// The values that a kept path of A leads to.
struct Reach {
    let paths: Set<String>?
    private(set) var names: Set<String> = []

    init(paths: Set<String>?) { self.paths = paths }

    /// The dependencies of a function through which a kept path runs.
    func targets(_ dependencies: [Dependency], path: String) -> [Dependency] {
        dependencies.filter {
            switch $0 {
            case .architecture: paths?.contains(path) ?? true
            case .value(let name): names.contains(name)
            }
        }
    }

    mutating func insert(_ name: String) { names.insert(name) }

    mutating func pass(_ derived: Derived) {
        if derived.isDifferentiable, !targets(derived.dependencies, path: derived.name).isEmpty {
            insert(derived.name)
        }
    }
}

/// The cotangents of a problem's values, and what has come of them for A.
struct Cotangents {
    private var values: [String: [Tensor]] = [:]
    /// By occurrence of A.
    private(set) var terms: [String: [Tensor]] = [:]
    /// In the order in which they were met, so that their sum is the same each time.
    private var paths: [String] = []

    /// A value's cotangent, which is then gone: the value is replaced by what it was computed from.
    mutating func take(_ name: String) -> [Tensor]? { values.removeValue(forKey: name) }

    /// - Parameter path: the occurrence that the cotangent of A is of.
    mutating func add(_ found: [Dependency: [Tensor]], path: String) throws {
        for (dependency, cotangent) in found {
            switch dependency {
            case .value(let name):
                values[name] = try values[name].map { try $0.adding(cotangent) } ?? cotangent
            case .architecture:
                if terms[path] == nil { paths.append(path) }
                terms[path] = try terms[path].map { try $0.adding(cotangent) } ?? cotangent
            }
        }
    }

    func total(for architecture: [Tensor]) throws -> [Tensor] {
        guard let first = paths.first else { return try architecture.map { try $0.filled(with: 0) } }
        return try paths.dropFirst().reduce(terms[first]!) { try $0.adding(terms[$1]!) }
    }
}

extension [Dependency: [Tensor]] {
    /// The gradients with respect to these variables; nothing where there are none.
    func gradients(
        of outputs: [Tensor], cotangents: [Tensor]?, releasingGraph: Bool
    ) throws -> [Dependency: [Tensor]] {
        guard !isEmpty else { return [:] }
        let order = Array(keys)
        var found = try TensorEngine.gradients(
            of: outputs, withRespectTo: order.flatMap { self[$0]! }, cotangents: cotangents,
            releasingGraph: releasingGraph)[...]
        var result: [Dependency: [Tensor]] = [:]
        for key in order {
            result[key] = Array(found.prefix(self[key]!.count))
            found = found.dropFirst(self[key]!.count)
        }
        return result
    }
}
