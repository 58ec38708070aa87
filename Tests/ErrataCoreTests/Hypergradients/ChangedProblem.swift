import ErrataCore
import TensorEngine

extension MultilevelProblem {
    /// The same problem with every function, called as its occurrence of A is, evaluated at a changed point.
    ///
    /// - Parameter start: where the players begin; where they do by default.
    func changed(
        startingAt start: Point? = nil,
        _ change: @escaping @Sendable (_ occurrence: String, Point) -> Point = { $1 }
    ) -> MultilevelProblem {
        let outer = outer
        return MultilevelProblem(
            architecture: architecture,
            stages: stages.map { stage in
                switch stage {
                case .derived(let derived):
                    .derived(
                        Derived(
                            derived.name, dependencies: derived.dependencies,
                            isDifferentiable: derived.isDifferentiable
                        ) { try derived(change(derived.name, $0), $1) })
                case .level(let level):
                    .level(
                        Level(
                            level.players.map { player in
                                Player(
                                    name: player.name, parameters: start?[player.name] ?? player.parameters,
                                    optimizer: player.optimizer, dependencies: player.objective.dependencies
                                ) { try player.objective(change(player.name, $0), $1) }
                            }, simultaneous: level.simultaneous))
                }
            },
            outer: Objective(outer.dependencies) { try outer(change(Self.directPath, $0), $1) })
    }
}
