import TensorEngine

/// A way to differentiate a player's gradient along a direction: ∂⟨∇_θ O, w⟩/∂u, for u among what the objective
/// depends on.
protocol SecondDerivative: Sendable {
    /// - Parameters:
    ///   - direction: w, for each of the player's tensors.
    ///   - targets: which u.
    /// - Returns: for each target its cotangent; zero where absent.
    func product(
        of player: Player, at point: Point, direction: [Tensor], withRespectTo targets: [Dependency]
    ) throws -> [Dependency: [Tensor]]
}

/// By reverse mode twice: exact, with the memory of a graph of the gradient.
struct DoubleBackward: SecondDerivative {
    /// Whether functions compute parts of themselves again instead of keeping them.
    let checkpointing: Bool

    func product(
        of player: Player, at point: Point, direction: [Tensor], withRespectTo targets: [Dependency]
    ) throws -> [Dependency: [Tensor]] {
        var point = point
        point.checkpointing = checkpointing
        return try GradientGraph(of: player, at: point, targets)
            .product(direction, withRespectTo: targets, releasingGraph: true)
    }
}

/// A player's gradient as a graph, from which any number of products can be taken.
struct GradientGraph {
    private let variables: [Dependency: [Tensor]]
    private let gradient: [Tensor]

    /// - Parameter targets: what products will be asked for.
    init(of player: Player, at point: Point, _ targets: [Dependency]) throws {
        var point = point
        let own = Dependency.value(player.name)
        variables = point.makeVariables(targets.contains(own) ? targets : targets + [own])
        gradient = try gradients(
            of: player.objective(point), withRespectTo: variables[own]!, createGraph: true)
    }

    func product(
        _ direction: [Tensor], withRespectTo targets: [Dependency], releasingGraph: Bool = false
    ) throws -> [Dependency: [Tensor]] {
        try variables.filter { targets.contains($0.key) }
            .gradients(of: gradient, cotangents: direction, releasingGraph: releasingGraph)
    }
}

/// By central differences of first derivatives, [∇_u O(θ + εw) − ∇_u O(θ − εw)]/2ε with ε = scale/‖w‖: the memory
/// of first order (DARTS, Eq. 8).
struct CentralDifference: SecondDerivative {
    let scale: Double

    func product(
        of player: Player, at point: Point, direction: [Tensor], withRespectTo targets: [Dependency]
    ) throws -> [Dependency: [Tensor]] {
        let norm = try direction.norm()
        guard norm != 0 else { return [:] }
        let epsilon = scale / norm
        func slopes(_ step: Double) throws -> [Dependency: [Tensor]] {
            var moved = point
            moved[player.name] = try point[player.name].adding(direction, times: step)
            let variables = moved.makeVariables(targets)
            return try variables.gradients(
                of: [player.objective(moved)], cotangents: nil, releasingGraph: true)
        }
        let ahead = try slopes(epsilon)
        return try ahead.merging(slopes(-epsilon)) {
            try $0.adding($1, times: -1).scaled(by: 1 / (2 * epsilon))
        }
    }
}
