import TensorEngine

/// Where the levels of a problem arrive by one step each, and how.
public struct Solution: Sendable {
    /// A and all players' variables after their steps.
    public var point: Point
    /// Each player's optimiser after its step.
    public var optimizers: [String: InnerOptimizer]
    /// Each player's objective before its step.
    public var objectives: [String: Double]
    /// Each player's gradient norm before clipping, where it clips.
    public var gradientNorms: [String: Double]
}

extension MultilevelProblem {
    /// Takes every level's step, without keeping a graph.
    ///
    /// - Parameter record: gathers what the objectives yield on the way.
    public func solve(recording record: EvaluationRecord? = nil) throws -> Solution {
        var solution = Solution(
            point: startingPoint, optimizers: [:], objectives: [:], gradientNorms: [:])
        for level in levels {
            let before = solution.point
            for player in level.players {
                let variables = player.parameters.map(\.variable)
                var point = level.simultaneous ? before : solution.point
                point[player.name] = variables
                let objective = try player.objective(point, record)
                let gradients = try gradients(
                    of: objective, withRespectTo: variables, releasingGraph: true)
                let (updated, optimizer, norm) = try player.optimizer.step(
                    player.parameters, gradients: gradients)
                solution.point[player.name] = updated.map(\.detached)
                solution.optimizers[player.name] = optimizer
                solution.objectives[player.name] = try objective.item()
                if let norm { solution.gradientNorms[player.name] = try norm.item() }
            }
        }
        return solution
    }

    /// A and all players' variables before any step.
    public var startingPoint: Point {
        var point = Point(architecture: architecture)
        for player in levels.flatMap(\.players) { point[player.name] = player.parameters }
        return point
    }
}
