import TensorEngine

/// A multilevel optimisation problem at one step of its solution: levels that each take steps on objectives of
/// their own, quantities derived between them, and an outer objective that judges where the levels arrive.
///
/// Nothing here knows of classifiers or generators: LFM-CW is one description of this kind, made by
/// `LearnerProblem`. What the levels do and what a hypergradient differentiates is the same closures, so
/// the gradient is of the very steps that are taken.
///
/// Each function names what it depends on. Each function that depends on A is an occurrence of A, called as its
/// player or derived quantity is, and the outer objective's `direct`; the hypergradient is the sum over all
/// occurrences of what changing A there alone does.
public struct MultilevelProblem: Sendable {
    /// The upper variables A: the architecture.
    public let architecture: [Tensor]
    /// In the order in which they happen; a function sees the values of the stages before its own.
    public let stages: [Stage]
    /// What A descends, at the point the stages arrive at.
    public let outer: Objective

    public enum Stage: Sendable {
        case level(Level)
        case derived(Derived)
    }

    public init(architecture: [Tensor], stages: [Stage], outer: Objective) {
        self.architecture = architecture
        self.stages = stages
        self.outer = outer
    }

    public var levels: [Level] {
        stages.compactMap { if case .level(let level) = $0 { level } else { nil } }
    }

    /// The name of the outer objective's occurrence of A.
    public static let directPath = "direct"
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
    /// The variables before the first step.
    public let parameters: [Tensor]
    public let optimizer: InnerOptimizer
    public let objective: Objective

    /// - Parameter dependencies: what the objective reads besides the player's own variables.
    public init(
        name: String, parameters: [Tensor], optimizer: InnerOptimizer, dependencies: [Dependency],
        objective: @escaping Objective.Function
    ) {
        self.name = name
        self.parameters = parameters
        self.optimizer = optimizer
        self.objective = Objective(dependencies + [.value(name)], objective)
    }
}

/// A quantity that is computed between levels and read by later ones, as class weights are.
public struct Derived: Sendable {
    public let name: String
    public let dependencies: [Dependency]
    /// Whether the quantity is differentiated; else it is a constant to every hypergradient.
    public let isDifferentiable: Bool
    private let function: Function

    public typealias Function = @Sendable (Point, EvaluationRecord?) throws -> [Tensor]

    public init(
        _ name: String, dependencies: [Dependency], isDifferentiable: Bool = true,
        _ function: @escaping Function
    ) {
        self.name = name
        self.dependencies = dependencies
        self.isDifferentiable = isDifferentiable
        self.function = function
    }

    public func callAsFunction(_ point: Point, _ record: EvaluationRecord? = nil) throws -> [Tensor] {
        try function(point.restricted(to: dependencies), record)
    }
}
