import ErrataCore
import NeuralNetworks
import TensorEngine

extension Archive {
    /// Adds a model's parameters, statistics and optimiser state below a path.
    mutating func store(_ model: TrainedModel, at path: String) throws {
        let names = model.layout.parameters.map(\.name)
        func store(_ tensors: [Tensor], _ names: [String], _ group: String) throws {
            for (tensor, name) in zip(tensors, names) {
                try self.store(tensor, at: "\(path)/\(group)/\(name)")
            }
        }
        try store(model.state.parameters, names, "parameters")
        try store(model.state.statistics, model.layout.statistics.map(\.name), "statistics")
        switch model.rule {
        case .sgd(_, let state):
            self[attribute: "\(path)/optimizer/has_velocities"] = .integer(state.velocities.isEmpty ? 0 : 1)
            try store(state.velocities, names, "optimizer/velocities")
        case .adam(_, let state):
            self[attribute: "\(path)/optimizer/steps"] = .integer(state.steps)
            try store(state.first, names, "optimizer/first_moments")
            try store(state.second, names, "optimizer/second_moments")
        }
    }

    /// The model with what `store` put below a path in the place of its values.
    ///
    /// - Throws: `ArchiveError` if something is missing or has another shape.
    func model(_ model: TrainedModel, at path: String, dtype: DType, on backend: any Backend) throws
        -> TrainedModel
    {
        func load(_ entries: [ModelLayout.Entry], _ group: String) throws -> [Tensor] {
            try entries.map { try tensor("\(path)/\(group)/\($0.name)", $0.shape, dtype, on: backend) }
        }
        var result = model
        let parameters = model.layout.parameters
        result.state = ModelState(
            parameters: try load(parameters, "parameters"),
            statistics: try load(model.layout.statistics, "statistics"))
        switch model.rule {
        case .sgd(let sgd, _):
            let hasVelocities = try integer("\(path)/optimizer/has_velocities") == 1
            result.rule = .sgd(
                sgd, .init(velocities: hasVelocities ? try load(parameters, "optimizer/velocities") : []))
        case .adam(let adam, _):
            let steps = try integer("\(path)/optimizer/steps")
            result.rule = .adam(
                adam,
                .init(
                    first: steps > 0 ? try load(parameters, "optimizer/first_moments") : [],
                    second: steps > 0 ? try load(parameters, "optimizer/second_moments") : [], steps: steps))
        }
        return result
    }

    /// Adds all of a search's state.
    mutating func store(_ state: LearnerState, on backend: any Backend) throws {
        try store(state.architecture, at: "architecture")
        for (name, model) in state.players { try store(model, at: "levels/\(name)") }
        let classes = state.estimates.losses.count
        try store(backend.tensor(state.estimates.losses, [classes]), at: "class_estimates/losses")
        try store(
            backend.tensor(state.estimates.seen.map { Int32($0 ? 1 : 0) }, [classes]),
            at: "class_estimates/seen")
        self[attribute: "step"] = .integer(state.step)
    }

    /// The state with this archive's values in the place of its own.
    ///
    /// - Throws: `ArchiveError` if something is missing or has another shape.
    func learnerState(_ state: LearnerState, dtype: DType, on backend: any Backend) throws -> LearnerState {
        var result = state
        result.architecture = try model(state.architecture, at: "architecture", dtype: dtype, on: backend)
        for (name, player) in state.players {
            result.players[name] = try model(player, at: "levels/\(name)", dtype: dtype, on: backend)
        }
        let shape: Shape = [state.estimates.losses.count]
        result.estimates.losses = try tensor("class_estimates/losses", shape, .float64, on: backend).values()
        let seen: [Int32] = try tensor("class_estimates/seen", shape, .int32, on: backend).values()
        result.estimates.seen = seen.map { $0 != 0 }
        result.step = try integer("step")
        return result
    }
}
