import Multilevel

extension MultilevelProblem {
    /// The same problem with every function, called as its occurrence of A is, evaluated at changed values.
    ///
    /// - Parameter start: where the players begin; where they do by default.
    public func changed(
        startingAt start: Values? = nil,
        _ change: @escaping @Sendable (_ occurrence: String, Values) -> Values = { $1 }
    ) -> MultilevelProblem {
        func changed(_ occurrence: String, _ function: Objective) -> Objective.Function {
            { try function(change(occurrence, $0)) }
        }
        return MultilevelProblem(
            architecture: architecture,
            stages: stages.map { stage in
                switch stage {
                case .coupling(let coupling):
                    .coupling(
                        Coupling(
                            coupling.id, dependencies: coupling.function.dependencies,
                            isDifferentiable: coupling.isDifferentiable,
                            changed(coupling.id.name, coupling.function)))
                case .level(let level):
                    .level(
                        Level(
                            level.players.map { player in
                                Player(
                                    player.id, parameters: start?[player.id] ?? player.parameters,
                                    buffers: player.buffers, descent: player.descent, steps: player.steps,
                                    accumulation: player.accumulation,
                                    dependencies: player.objective.dependencies.filter {
                                        $0 != .value(player.id)
                                    }, objective: changed(player.id.name, player.objective))
                            }, isSimultaneous: level.isSimultaneous, steps: level.steps))
                }
            }, outer: Objective(outer.dependencies, changed(Self.directPath, outer)),
            communicator: communicator)
    }
}
