import TensorEngine

/// A way to differentiate a player's gradient along a direction: ∂⟨∇_θ O, w⟩/∂u, for u among what the objective
/// depends on.
public protocol SecondDerivative: Sendable {
    /// - Parameters:
    ///   - player: whose objective it is.
    ///   - values: what the objective is evaluated at.
    ///   - direction: w, for each of the player's tensors.
    ///   - targets: which u.
    ///   - communicator: the ranks over which the result is averaged.
    /// - Returns: for each target its cotangent; zero where absent.
    func product(
        of player: Player, at values: Values, direction: [Tensor], withRespectTo targets: [Dependency],
        over communicator: any Communicator
    ) throws -> [Dependency: [Tensor]]
}

/// By reverse mode twice: exact, with the memory of a graph of the gradient.
public struct DoubleBackward: SecondDerivative {
    private let checkpointing: Bool

    /// - Parameter checkpointing: whether functions compute parts of themselves again instead of keeping them.
    public init(checkpointing: Bool = false) { self.checkpointing = checkpointing }

    public func product(
        of player: Player, at values: Values, direction: [Tensor], withRespectTo targets: [Dependency],
        over communicator: any Communicator
    ) throws -> [Dependency: [Tensor]] {
        var values = values
        values.checkpointing = checkpointing
        return try GradientGraph(of: player.objective, .value(player.id), at: values, targets)
            .product(direction, withRespectTo: targets, releasingGraph: true, over: communicator)
    }
}

/// The gradient of an objective with respect to some of its values as a graph, from which any number of products can
/// be taken.
public struct GradientGraph {
    private let variables: [Dependency: [Tensor]]
    private let gradient: [Tensor]

    /// - Parameters:
    ///   - objective: a scalar.
    ///   - own: what the gradient is with respect to.
    ///   - values: what it is evaluated at.
    ///   - targets: what products will be asked for.
    public init(
        of objective: Objective, _ own: Dependency, at values: Values, _ targets: [Dependency]
    ) throws {
        var values = values
        variables = values.makeVariables(targets.contains(own) ? targets : targets + [own])
        gradient = try gradients(
            of: objective(values).value, withRespectTo: variables[own]!, createGraph: true)
    }

    /// ∂⟨∇ O, direction⟩/∂u for each target u, averaged over the ranks.
    public func product(
        _ direction: [Tensor], withRespectTo targets: [Dependency], releasingGraph: Bool = false,
        over communicator: any Communicator
    ) throws -> [Dependency: [Tensor]] {
        try variables.filter { targets.contains($0.key) }
            .gradients(
                of: gradient, cotangents: direction, releasingGraph: releasingGraph, over: communicator)
    }
}

/// By central differences of first derivatives, [∇_u O(θ + εw) − ∇_u O(θ − εw)]/2ε with ε = scale/‖w‖: the memory
/// of first order (DARTS, Eq. 8).
public struct CentralDifference: SecondDerivative {
    private let scale: Double

    /// - Parameter scale: ε·‖w‖, above 0.
    public init(scale: Double) { self.scale = scale }

    public func product(
        of player: Player, at values: Values, direction: [Tensor], withRespectTo targets: [Dependency],
        over communicator: any Communicator
    ) throws -> [Dependency: [Tensor]] {
        let norm = try direction.norm()
        guard norm != 0 else { return [:] }
        let epsilon = scale / norm
        func slopes(_ step: Double) throws -> [Dependency: [Tensor]] {
            var moved = values
            moved[player.id] = try values[player.id].adding(direction, times: step)
            let variables = moved.makeVariables(targets)
            return try variables.gradients(
                of: [player.objective(moved).value], releasingGraph: true, over: communicator)
        }
        let ahead = try slopes(epsilon)
        return try ahead.merging(slopes(-epsilon)) {
            try $0.adding($1, times: -1).scaled(by: 1 / (2 * epsilon))
        }
    }
}
