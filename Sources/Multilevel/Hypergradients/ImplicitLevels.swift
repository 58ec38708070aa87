import TensorEngine

/// The implicit function theorem at each level's solution: where F(θ, u) = 0, dθ/du = −F_θ⁻¹F_u.
///
/// F is the gradient of each player's objective, with the weight decay that its optimiser adds. The players of a
/// game make one system, whose Jacobian is not symmetric: it is no Hessian, since each descends an objective of
/// its own.
public struct ImplicitLevels: LevelAdjoint {
    private let damping: Double
    private let solve: @Sendable (LinearMap, [Tensor], Bool) throws -> [Tensor]

    /// - Parameters:
    ///   - damping: added to the Jacobian's diagonal.
    ///   - solve: x ≈ M⁻¹b, given whether M is symmetric.
    public init(
        damping: Double,
        solve: @escaping @Sendable (_ map: LinearMap, _ b: [Tensor], _ isSymmetric: Bool) throws -> [Tensor]
    ) {
        self.damping = damping
        self.solve = solve
    }

    public func extend(_ kept: inout KeptPaths, through level: Level) {
        var reached: Int
        repeat {
            reached = kept.values.count
            for player in level.players
            where !kept.targets(player.objective.dependencies, path: player.id.name).isEmpty {
                kept.insert(player.id)
            }
        } while kept.values.count > reached
    }

    public func pull(
        _ level: Level, _ trace: LevelTrace, _ kept: KeptPaths, _ cotangents: inout Cotangents
    ) throws {
        var solved = kept
        extend(&solved, through: level)
        // A player that no kept path leads to stands still.
        let turns = trace.steps.last!.filter { solved.values.contains($0.player.id) }
        let ids = turns.map(\.player.id)
        let found = ids.map { cotangents.take($0) }
        guard found.contains(where: { $0 != nil }) else { return }

        let players = try turns.map { try Stationarity($0, trace, ids, kept, damping: damping) }
        let b = try zip(found, turns).map { try $0 ?? $1.player.parameters.map { try $0.filled(with: 0) } }
        func split(_ vector: [Tensor]) -> [[Tensor]] {
            var rest = vector[...]
            return b.map { part in
                defer { rest = rest.dropFirst(part.count) }
                return Array(rest.prefix(part.count))
            }
        }
        let transposed: LinearMap = { vector in
            var sums: [ValueID: [Tensor]] = [:]
            for (player, part) in zip(players, split(vector)) {
                for (id, column) in try player.column(part) {
                    sums[id] = try sums[id].map { try $0.adding(column) } ?? column
                }
            }
            return ids.flatMap { sums[$0]! }
        }
        let multipliers = split(try solve(transposed, b.flatMap(\.self), players.count == 1))
        for (player, multiplier) in zip(players, multipliers) {
            try cotangents.add(player.outside(multiplier.scaled(by: -1)), path: player.id.name)
        }
    }
}

/// One player's part of a level's stationarity, F = ∇_θ O + weight decay·θ, at the level's solution.
private struct Stationarity {
    let id: ValueID
    /// Of each part whose mean the objective is.
    private let graphs: [GradientGraph]
    private let decay: Double
    private let inside: [Dependency]
    private let targets: [Dependency]
    private let communicator: any Communicator

    init(
        _ turn: Solution.Turn, _ trace: LevelTrace, _ ids: [ValueID], _ kept: KeptPaths, damping: Double
    ) throws {
        let player = turn.player
        let dependencies = player.objective.dependencies
        let ofLevel = Set(ids.map(Dependency.value))
        id = player.id
        communicator = trace.communicator
        decay = player.descent.optimizer.weightDecay + damping
        let inside = dependencies.filter(ofLevel.contains)
        let targets = kept.targets(dependencies, path: id.name).filter { !ofLevel.contains($0) }
        (self.inside, self.targets) = (inside, targets)
        graphs = try turn.steps.last!.parts.map { part in
            var values = trace.end
            (values.occasion, values.buffers) = (part.occasion, part.buffers)
            return try GradientGraph(
                of: player.objective, .value(player.id), at: values, inside + targets)
        }
    }

    /// The products of ∂F/∂(each player's variables), transposed, with a vector; the diagonal with its damping.
    func column(_ vector: [Tensor]) throws -> [ValueID: [Tensor]] {
        var result: [ValueID: [Tensor]] = [:]
        for case (.value(let other), let product) in try product(vector, inside) {
            result[other] = other == id ? try product.adding(vector, times: decay) : product
        }
        return result
    }

    /// The same for A and what lies before the level.
    func outside(_ vector: [Tensor]) throws -> [Dependency: [Tensor]] { try product(vector, targets) }

    private func product(_ vector: [Tensor], _ targets: [Dependency]) throws -> [Dependency: [Tensor]] {
        var total: [Dependency: [Tensor]] = [:]
        for graph in graphs {
            total = try total.merging(
                graph.product(vector, withRespectTo: targets, over: communicator)
            ) { try $0.adding($1) }
        }
        let parts = Double(graphs.count)
        return parts == 1 ? total : try total.mapValues { try $0.scaled(by: 1 / parts) }
    }
}
