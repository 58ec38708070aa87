import TensorEngine

/// A multilevel optimisation problem at one step of its solution: levels that each take steps on objectives of
/// their own, quantities that couple them, and an outer objective that judges where the levels arrive.
///
/// What the levels do and what a hypergradient differentiates is the same closures, so the gradient is of the very
/// steps that are taken. Each function names what it depends on. Each function that depends on A is an occurrence of
/// A, called as its player or coupling is, and the outer objective's `direct`; the hypergradient is the sum over all
/// occurrences of what changing A there alone does.
public struct MultilevelProblem: Sendable {
    /// The upper variables A: the architecture.
    public let architecture: [Tensor]
    /// In the order in which they happen; a function sees the values of the stages before its own.
    public let stages: [Stage]
    /// What A descends, at the values the stages arrive at.
    public var outer: Objective
    /// The processes that share the batches: each objective is the mean of theirs.
    public let communicator: any Communicator

    public enum Stage: Sendable {
        case level(Level)
        case coupling(Coupling)
    }

    public init(
        architecture: [Tensor], stages: [Stage], outer: Objective, communicator: any Communicator = Alone()
    ) {
        self.architecture = architecture
        self.stages = stages
        self.outer = outer
        self.communicator = communicator
    }

    public var levels: [Level] {
        stages.compactMap { if case .level(let level) = $0 { level } else { nil } }
    }

    /// The name of the outer objective's occurrence of A.
    public static let directPath = "direct"

    /// The problem with a term of A alone added to its outer objective, such as an expected latency.
    public func adding(penalty: @escaping @Sendable (_ architecture: [Tensor]) throws -> Tensor?)
        -> MultilevelProblem
    {
        var result = self
        let outer = outer
        result.outer = Objective(outer.dependencies) { values in
            var evaluation = try outer(values)
            if let term = try penalty(values.architecture) {
                evaluation.tensors[0] = try evaluation.value + term
                if values.isObserved { evaluation.metrics["architecture_penalty"] = try term.item() }
            }
            return evaluation
        }
        return result
    }
}

extension MultilevelProblem {
    /// The problem whose players do not clip.
    public var unclipped: MultilevelProblem {
        replacingStages { stage in
            guard case .level(let level) = stage else { return [stage] }
            let players = level.players.map { player in
                Player(
                    player.id, parameters: player.parameters, buffers: player.buffers,
                    descent: player.descent.unclipped, steps: player.steps,
                    accumulation: player.accumulation, objective: player.objective)
            }
            return [.level(Level(players, isSimultaneous: level.isSimultaneous, steps: level.steps))]
        }
    }

    /// The problem with a moving average of a player's variables as a value, moved once after the player's level.
    public func averaging(_ player: ValueID, as id: ValueID, from average: [Tensor], decay: Double)
        -> MultilevelProblem
    {
        replacingStages { stage in
            guard case .level(let level) = stage, level.players.contains(where: { $0.id == player }) else {
                return [stage]
            }
            return [stage, .coupling(.movingAverage(id, of: player, from: average, decay: decay))]
        }
    }

    private func replacingStages(_ replace: (Stage) -> [Stage]) -> MultilevelProblem {
        MultilevelProblem(
            architecture: architecture, stages: stages.flatMap(replace), outer: outer,
            communicator: communicator)
    }
}
