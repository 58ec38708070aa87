import NeuralNetworks
import TensorEngine

/// A multilevel optimisation problem at one step of its solution: levels that each take a step on an
/// objective of their own, and an outer objective that judges where they arrive.
///
/// Nothing here knows of classifiers or generators: LFM-CW is one description of this kind, made by
/// `LearnerStep`. What the levels do and what a hypergradient differentiates is the same closures, so
/// the gradient is of the very steps that are taken.
public struct MultilevelProblem: Sendable {
    /// The upper variables A: the architecture.
    public let architecture: [Tensor]
    /// In the order in which they step; an objective sees the levels before its own after their steps.
    public let levels: [Level]
    /// What A descends, at the point the levels arrive at.
    public let outer: Objective

    public init(architecture: [Tensor], levels: [Level], outer: @escaping Objective) {
        self.architecture = architecture
        self.levels = levels
        self.outer = outer
    }

    /// From the values of all variables to a scalar; what else comes of the evaluation goes to the record.
    public typealias Objective = @Sendable (Point, EvaluationRecord?) throws -> Tensor
}

/// Players that step together: one, or the two of a game, as a generator and its discriminator.
public struct Level: Sendable {
    public let players: [Player]
    /// Whether all players step from the same point; else each sees the steps of those before it.
    public let simultaneous: Bool

    public init(_ players: [Player], simultaneous: Bool = true) {
        self.players = players
        self.simultaneous = simultaneous
    }
}

/// Variables with an objective and a rule by which they step.
public struct Player: Sendable {
    public let name: String
    /// The variables before the step.
    public let parameters: [Tensor]
    public let objective: MultilevelProblem.Objective
    public let optimizer: InnerOptimizer

    public init(
        name: String, parameters: [Tensor], optimizer: InnerOptimizer,
        objective: @escaping MultilevelProblem.Objective
    ) {
        self.name = name
        self.parameters = parameters
        self.optimizer = optimizer
        self.objective = objective
    }
}

/// The values of all variables at which an objective is evaluated.
public struct Point: Sendable {
    public var architecture: [Tensor]
    var values: [String: [Tensor]]

    public init(architecture: [Tensor], values: [String: [Tensor]] = [:]) {
        self.architecture = architecture
        self.values = values
    }

    /// A player's variables.
    public subscript(player: String) -> [Tensor] {
        get {
            guard let tensors = values[player] else {
                fatalError("an objective reads the player '\(player)', which the problem does not have")
            }
            return tensors
        }
        set { values[player] = newValue }
    }
}

/// What evaluating an objective yields besides its value.
public final class EvaluationRecord {
    /// Named scalars for the metrics.
    public var metrics: [String: Double] = [:]
    /// Running statistics by player, as the evaluation would leave them.
    public var statistics: [String: [Tensor]] = [:]
    /// Named tensors, such as the class weights.
    public var tensors: [String: Tensor] = [:]
    /// How many examples stand behind each element of a named tensor.
    public var counts: [String: [Int]] = [:]

    public init() {}
}
