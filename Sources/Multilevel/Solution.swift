import NeuralNetworks
import TensorEngine

/// Where the stages of a problem arrive, and how.
public struct Solution: Sendable {
    /// A, all players' variables and buffers after their steps, and all couplings' quantities.
    public internal(set) var values: Values
    /// What each player's optimiser remembers after its last step.
    public internal(set) var optimizers: [ValueID: OptimizerState] = [:]
    /// What the first evaluation of each player's objective and of each coupling showed.
    public internal(set) var observations: [ValueID: Observation] = [:]
    /// By level and level step: what each player did.
    public internal(set) var steps: [[[Turn]]] = []

    /// What an evaluation showed.
    public struct Observation: Sendable {
        /// A player's objective before its first step, on all ranks together.
        public var value: Double?
        /// The norm of the first gradient before clipping, where the player clips.
        public var gradientNorm: Double?
        /// Of this rank, like the extras.
        public var metrics: [String: Double]
        public var extras: [String: Tensor]
    }

    /// What one player did in one step of its level.
    public struct Turn: Sendable {
        public let player: Player
        /// In the order in which they were taken.
        public internal(set) var steps: [Step] = []
    }

    /// One step of one player, as it was taken.
    public struct Step: Sendable {
        /// What each part of the objective was evaluated at: the player's own variables are those before the step.
        public internal(set) var parts: [Values] = []
        public internal(set) var gradient: [Tensor] = []
        public let descent: DescentStep
    }
}

extension MultilevelProblem {
    /// All values before any step.
    public var start: Solution {
        var values = Values(architecture: architecture)
        values.occasion.rank = communicator.rank
        for player in levels.flatMap(\.players) {
            values[player.id] = player.parameters
            values.buffers[player.id] = player.buffers
        }
        return Solution(values: values)
    }

    /// All values where nothing steps, with those couplings' quantities that the outer objective needs.
    ///
    /// - Throws: what the couplings throw.
    public func unstepped() throws -> Solution {
        var needed = Set(outer.dependencies)
        var couplings: [Coupling] = []
        for case .coupling(let coupling) in stages.reversed() where needed.contains(.value(coupling.id)) {
            needed.formUnion(coupling.function.dependencies)
            couplings.append(coupling)
        }
        var solution = start
        for coupling in couplings.reversed() { try evaluate(coupling, &solution) }
        return solution
    }

    private func evaluate(_ coupling: Coupling, _ solution: inout Solution) throws {
        var values = solution.values
        values.isObserved = true
        let found = try coupling.function(values)
        solution.values[coupling.id] = found.tensors.map(\.detached)
        solution.observations[coupling.id] = .init(metrics: found.metrics, extras: found.extras)
    }

    /// Goes through all stages, without keeping a graph.
    ///
    /// - Throws: what the objectives and optimisers throw.
    public func solve() throws -> Solution {
        var solution = start
        for stage in stages {
            switch stage {
            case .coupling(let coupling): try evaluate(coupling, &solution)
            case .level(let level):
                solution.steps.append([])
                for step in 0..<level.steps { try take(level, step, &solution) }
            }
        }
        return solution
    }

    /// One step of all of a level's players.
    private func take(_ level: Level, _ levelStep: Int, _ solution: inout Solution) throws {
        let before = solution.values
        var turns: [Solution.Turn] = []
        for player in level.players {
            var values = level.isSimultaneous ? before : solution.values
            values.occasion.levelStep = levelStep
            var descent = player.descent
            if let state = solution.optimizers[player.id] { descent.state = state }
            var turn = Solution.Turn(player: player)
            for playerStep in 0..<player.steps {
                values.occasion.playerStep = playerStep
                turn.steps.append(try step(player, descent, &values, &solution))
                descent.state = solution.optimizers[player.id]!
            }
            solution.values[player.id] = values[player.id]
            turns.append(turn)
        }
        solution.steps[solution.steps.count - 1].append(turns)
    }

    /// One step of one player.
    private func step(
        _ player: Player, _ descent: DescentStep, _ values: inout Values, _ solution: inout Solution
    ) throws -> Solution.Step {
        var step = Solution.Step(descent: descent)
        var observation: Solution.Observation?
        for part in 0..<player.accumulation {
            values.occasion.part = part
            step.parts.append(values)
            var differentiated = values
            differentiated.isObserved = solution.observations[player.id] == nil && part == 0
            let variables = differentiated.makeVariables([.value(player.id)])
            let found = try player.objective(differentiated)
            let gradient = try variables.gradients(
                of: [found.value], releasingGraph: true, over: communicator)[.value(player.id)]!
            step.gradient = try part == 0 ? gradient : step.gradient.adding(gradient)
            for (id, updates) in found.updates.sorted(by: { $0.key < $1.key }) {
                values.buffers[id] = try communicator.mean(updates.updated(values.buffers[id] ?? []))
                solution.values.buffers[id] = values.buffers[id]
            }
            if differentiated.isObserved {
                observation = .init(
                    value: try communicator.mean([found.value.detached])[0].item(), metrics: found.metrics,
                    extras: found.extras)
            }
        }
        if player.accumulation > 1 {
            step.gradient = try step.gradient.scaled(by: 1 / Double(player.accumulation))
        }
        let (updated, state, norm) = try descent(values[player.id], gradients: step.gradient)
        values[player.id] = updated.map(\.detached)
        solution.optimizers[player.id] = state
        if var observation {
            observation.gradientNorm = try norm?.item()
            solution.observations[player.id] = observation
        }
        return step
    }
}
