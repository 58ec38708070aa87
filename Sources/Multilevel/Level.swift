import NeuralNetworks
import TensorEngine

/// Players that step together: one, or the two of a game, as a generator and its discriminator.
public struct Level: Sendable {
    public let players: [Player]
    /// Whether all players step from the same point; else each sees the steps of those before it.
    public let isSimultaneous: Bool
    /// How often all players step before the next stage of the problem.
    public let steps: Int

    /// - Precondition: `steps` is at least 1.
    public init(_ players: [Player], isSimultaneous: Bool = true, steps: Int = 1) {
        precondition(steps >= 1, "\(steps) steps of a level, expected at least 1")
        self.players = players
        self.isSimultaneous = isSimultaneous
        self.steps = steps
    }
}

/// Variables with an objective, and how they step.
public struct Player: Sendable {
    public let id: ValueID
    /// The variables before the first step.
    public let parameters: [Tensor]
    /// The buffers of their model before the first step.
    public let buffers: [Tensor]
    /// The first step; later ones go on from what the optimiser then remembers.
    public let descent: DescentStep
    /// How many steps the player takes for one of its level: a critic's several.
    public let steps: Int
    /// How many evaluations, each an occasion of its own, the objective of one step is the mean of.
    public let accumulation: Int
    public let objective: Objective

    /// - Parameters:
    ///   - id: the name of the player's variables.
    ///   - parameters: the variables before the first step.
    ///   - buffers: of their model before the first step.
    ///   - descent: the first step.
    ///   - steps: for one of the level; at least 1.
    ///   - accumulation: evaluations that one step averages; at least 1.
    ///   - dependencies: what the objective reads besides the player's own variables.
    ///   - objective: what the player descends.
    public init(
        _ id: ValueID, parameters: [Tensor], buffers: [Tensor] = [], descent: DescentStep,
        steps: Int = 1, accumulation: Int = 1, dependencies: [Dependency],
        objective: @escaping Objective.Function
    ) {
        self.init(
            id, parameters: parameters, buffers: buffers, descent: descent, steps: steps,
            accumulation: accumulation, objective: Objective(dependencies + [.value(id)], objective))
    }

    init(
        _ id: ValueID, parameters: [Tensor], buffers: [Tensor], descent: DescentStep, steps: Int,
        accumulation: Int, objective: Objective
    ) {
        precondition(
            steps >= 1 && accumulation >= 1,
            "\(steps) steps of \(accumulation) parts, expected at least 1 of each")
        self.id = id
        self.parameters = parameters
        self.buffers = buffers
        self.descent = descent
        self.steps = steps
        self.accumulation = accumulation
        self.objective = objective
    }
}
