import TensorEngine

/// The implicit function theorem at each level's solution: where F(θ, u) = 0, dθ/du = −F_θ⁻¹F_u.
///
/// F is the gradient of each player's objective, with the weight decay that its optimiser adds. The players of a
/// game make one system, whose Jacobian is not symmetric: it is no Hessian, since each descends an objective of
/// its own.
struct ImplicitLevels: LevelAdjoint {
    /// Added to the Jacobian's diagonal.
    let damping: Double
    /// x ≈ M⁻¹b, given whether M is symmetric.
    let solve: @Sendable (_ map: LinearMap, _ b: [Tensor], _ isSymmetric: Bool) throws -> [Tensor]

    func extend(_ reach: inout Reach, through level: Level, innerSteps: Int) {
        var reached: Int
        repeat {
            reached = reach.names.count
            for player in level.players
            where !reach.targets(player.objective.dependencies, path: player.name).isEmpty {
                reach.insert(player.name)
            }
        } while reach.names.count > reached
    }

    func pull(_ level: Level, _ trace: LevelTrace, _ reach: Reach, _ cotangents: inout Cotangents) throws {
        var solved = reach
        extend(&solved, through: level, innerSteps: 1)
        // A player that no kept path leads to stands still.
        let steps = trace.steps.last!.filter { solved.names.contains($0.player.name) }
        let names = steps.map(\.player.name)
        let found = names.map { cotangents.take($0) }
        guard found.contains(where: { $0 != nil }) else { return }

        let players = try steps.map { try Stationarity($0, trace.end, names, reach, damping: damping) }
        let b = try zip(found, steps).map { try $0 ?? $1.parameters.map { try $0.filled(with: 0) } }
        func split(_ vector: [Tensor]) -> [[Tensor]] {
            var rest = vector[...]
            return b.map { part in
                defer { rest = rest.dropFirst(part.count) }
                return Array(rest.prefix(part.count))
            }
        }
        let transposed: LinearMap = { vector in
            var sums: [String: [Tensor]] = [:]
            for (player, part) in zip(players, split(vector)) {
                for (name, column) in try player.column(part) {
                    sums[name] = try sums[name].map { try $0.adding(column) } ?? column
                }
            }
            return names.flatMap { sums[$0]! }
        }
        let multipliers = split(try solve(transposed, b.flatMap(\.self), players.count == 1))
        for (player, multiplier) in zip(players, multipliers) {
            try cotangents.add(player.outside(multiplier.scaled(by: -1)), path: player.name)
        }
    }
}

/// One player's part of a level's stationarity, F = ∇_θ O + weight decay·θ, at the level's solution.
private struct Stationarity {
    let name: String
    private let graph: GradientGraph
    private let decay: Double
    private let inside: [Dependency]
    private let targets: [Dependency]

    init(_ step: Solution.Step, _ end: Point, _ names: [String], _ reach: Reach, damping: Double) throws {
        let dependencies = step.player.objective.dependencies
        let ofLevel = Set(names.map(Dependency.value))
        name = step.player.name
        decay = step.optimizer.weightDecay + damping
        inside = dependencies.filter(ofLevel.contains)
        targets = reach.targets(dependencies, path: name).filter { !ofLevel.contains($0) }
        var point = end.restricted(to: dependencies)
        (point.innerStep, point.statistics) = (step.point.innerStep, step.point.statistics)
        graph = try GradientGraph(of: step.player, at: point, inside + targets)
    }

    /// The products of ∂F/∂(each player's variables), transposed, with a vector; the diagonal with its damping.
    func column(_ vector: [Tensor]) throws -> [String: [Tensor]] {
        var result: [String: [Tensor]] = [:]
        for case (.value(let other), let product) in try graph.product(vector, withRespectTo: inside) {
            result[other] = other == name ? try product.adding(vector, times: decay) : product
        }
        return result
    }

    /// The same for A and what lies before the level.
    func outside(_ vector: [Tensor]) throws -> [Dependency: [Tensor]] {
        try graph.product(vector, withRespectTo: targets)
    }
}

extension InnerOptimizer {
    fileprivate var weightDecay: Double {
        switch rule {
        case .sgd(let sgd, _): sgd.weightDecay
        case .adam(let adam, _): adam.weightDecay
        }
    }
}
