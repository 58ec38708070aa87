import TensorEngine

/// Where the stages of a problem arrive, and how.
public struct Solution: Sendable {
    /// A, all players' variables after their steps, and all derived quantities.
    public var point: Point
    /// Each player's optimiser after its last step.
    public var optimizers: [String: InnerOptimizer] = [:]
    /// Each player's objective before its first step.
    public var objectives: [String: Double] = [:]
    /// The norm of each player's first gradient before clipping, where it clips.
    public var gradientNorms: [String: Double] = [:]
    /// By level, inner step and player, in the order in which they were taken.
    public var steps: [[[Step]]] = []

    /// One step of one player, as it was taken.
    public struct Step: Sendable {
        public let player: Player
        /// What the objective was evaluated at: the player's own variables are those before the step.
        public let point: Point
        public let gradient: [Tensor]
        /// The optimiser that took the step, before it.
        public let optimizer: InnerOptimizer

        var parameters: [Tensor] { point[player.name] }
    }
}

extension MultilevelProblem {
    /// Goes through all stages, without keeping a graph.
    ///
    /// - Parameters:
    ///   - innerSteps: how many steps each level takes before the next stage.
    ///   - record: gathers what the functions yield on the way; of several inner steps, at the first.
    public func solve(innerSteps: Int = 1, recording record: EvaluationRecord = .init()) throws -> Solution {
        var solution = Solution(point: startingPoint)
        for stage in stages {
            switch stage {
            case .derived(let derived):
                solution.point[derived.name] = try derived(solution.point, record).map(\.detached)
            case .level(let level):
                solution.steps.append([])
                for innerStep in 0..<innerSteps {
                    try take(level, innerStep, &solution, innerStep == 0 ? record : nil)
                }
                solution.point.innerStep = 0
            }
        }
        return solution
    }

    /// All players' variables before any step.
    private var startingPoint: Point {
        var point = Point(architecture: architecture)
        for player in levels.flatMap(\.players) { point[player.name] = player.parameters }
        return point
    }

    /// One step of all of a level's players.
    private func take(
        _ level: Level, _ innerStep: Int, _ solution: inout Solution, _ record: EvaluationRecord?
    ) throws {
        solution.point.innerStep = innerStep
        let before = solution.point
        var steps: [Solution.Step] = []
        for player in level.players {
            let point = level.simultaneous ? before : solution.point
            let optimizer = solution.optimizers[player.name] ?? player.optimizer
            var differentiated = point
            let variables = differentiated.makeVariables([.value(player.name)])[.value(player.name)]!
            let objective = try player.objective(differentiated, record)
            let gradient = try gradients(of: objective, withRespectTo: variables, releasingGraph: true)
            let (updated, next, norm) = try optimizer.step(point[player.name], gradients: gradient)
            solution.point[player.name] = updated.map(\.detached)
            solution.optimizers[player.name] = next
            steps.append(.init(player: player, point: point, gradient: gradient, optimizer: optimizer))
            guard let record else { continue }
            solution.objectives[player.name] = try objective.item()
            if let norm { solution.gradientNorms[player.name] = try norm.item() }
            solution.point.statistics = record.statistics
        }
        solution.steps[solution.steps.count - 1].append(steps)
    }
}
