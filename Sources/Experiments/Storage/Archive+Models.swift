import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

extension Archive {
    /// Adds a model's parameters, buffers, moving average and optimiser state below a path.
    package mutating func store(_ model: Model, _ optimizer: any Optimizer, at path: String) throws {
        let names = model.layout.parameters.map(\.name)
        func store(_ tensors: [Tensor], _ names: [String], _ group: String) throws {
            for (tensor, name) in zip(tensors, names) {
                try self.store(tensor, at: "\(path)/\(group)/\(name)")
            }
        }
        try store(model.state.parameters, names, "parameters")
        try store(model.state.buffers, model.layout.buffers.map(\.name), "buffers")
        if let average = model.average { try store(average, names, "average") }
        self[attribute: "\(path)/optimizer/steps"] = .integer(model.optimizer.count)
        for (slot, tensors) in zip(optimizer.slots, model.optimizer.slots) {
            try store(tensors, names, "optimizer/\(slot)")
        }
    }

    /// The model with what `store` put below a path in the place of its values.
    ///
    /// - Throws: `ArchiveError` if something is missing or has another shape.
    package func model(
        _ model: Model, _ optimizer: any Optimizer, at path: String, _ dtype: DType, on backend: any Backend
    )
        throws -> Model
    {
        func load(_ entries: [ModelLayout.Entry], _ group: String) throws -> [Tensor] {
            try entries.map { try tensor("\(path)/\(group)/\($0.name)", $0.shape, dtype, on: backend) }
        }
        var result = model
        let parameters = model.layout.parameters
        result.state = ModelState(
            parameters: try load(parameters, "parameters"), buffers: try load(model.layout.buffers, "buffers")
        )
        if model.average != nil { result.average = try load(parameters, "average") }
        let steps = try integer("\(path)/optimizer/steps")
        result.optimizer = OptimizerState(
            slots: steps > 0 ? try optimizer.slots.map { try load(parameters, "optimizer/\($0)") } : [],
            count: steps)
        return result
    }

    /// Adds all of a search's state.
    ///
    /// - Parameter optimizer: A's.
    package mutating func store(
        _ state: SearchState, of method: any SearchMethod, architecture optimizer: any Optimizer
    )
        throws
    {
        try store(state.architecture, optimizer, at: "architecture")
        for model in method.models {
            try store(state[model.id], model.descent.optimizer, at: "levels/\(model.id)")
        }
        store(state.memory, at: "memory")
        self[attribute: "step"] = .integer(state.step)
    }

    /// The state with this archive's values in the place of its own.
    ///
    /// - Throws: `ArchiveError` if something is missing or has another shape.
    package func searchState(
        _ state: SearchState, of method: any SearchMethod, architecture optimizer: any Optimizer,
        _ dtype: DType, on backend: any Backend
    ) throws -> SearchState {
        var result = state
        result.architecture = try model(state.architecture, optimizer, at: "architecture", dtype, on: backend)
        for declaration in method.models {
            result[declaration.id] = try model(
                state[declaration.id], declaration.descent.optimizer, at: "levels/\(declaration.id)", dtype,
                on: backend)
        }
        result.memory = try memory(at: "memory")
        for name in method.initialMemory.vectors.keys where result.memory.vectors[name] == nil {
            throw ArchiveError("there is no 'memory/\(name)'")
        }
        result.step = try integer("step")
        return result
    }

    /// Adds the lists of a memory below a path.
    mutating func store(_ memory: Memory, at path: String) {
        for (name, vector) in memory.vectors { self["\(path)/\(name)"] = Entry(vector) }
    }

    /// What `store` put below a path; nothing where nothing was.
    ///
    /// - Throws: `ArchiveError` if something else is there.
    func memory(at path: String) throws -> Memory {
        var memory = Memory()
        for (name, entry) in tensors where name.hasPrefix("\(path)/") {
            memory[String(name.dropFirst(path.count + 1))] = try entry.vector(name)
        }
        return memory
    }

    /// - Throws: `ArchiveError` if there is no such attribute, or it is no number.
    func number(_ path: String) throws -> Double {
        guard case .number(let value) = self[attribute: path] else {
            throw ArchiveError("there is no number attribute '\(path)'")
        }
        return value
    }
}

extension Archive.Entry {
    fileprivate init(_ vector: [Double]) {
        self.init(
            dtype: .float64, shape: [vector.count], bytes: vector.withUnsafeBytes { Array($0) })
    }

    fileprivate func vector(_ path: String) throws -> [Double] {
        guard dtype == .float64, shape.rank == 1 else {
            throw ArchiveError("'\(path)' is \(dtype) \(shape), expected a list of float64")
        }
        return bytes.withUnsafeBytes { Array($0.bindMemory(to: Double.self)) }
    }
}
