import Multilevel

/// All that a search has come to. A search goes on from it to the same bits as if it had never stopped.
public struct SearchState: Sendable {
    /// A.
    public var architecture: Model
    public var models: [ValueID: Model]
    public var memory: Memory
    /// Steps taken.
    public var step: Int

    public init(architecture: Model, models: [ValueID: Model], memory: Memory = .init(), step: Int = 0) {
        self.architecture = architecture
        self.models = models
        self.memory = memory
        self.step = step
    }

    public subscript(id: ValueID) -> Model {
        get {
            guard let model = models[id] else { fatalError("no model is declared as \(id)") }
            return model
        }
        set { models[id] = newValue }
    }
}

/// What a method remembers between steps besides its models: named lists of numbers, such as running estimates.
public struct Memory: Sendable, Hashable {
    public var vectors: [String: [Double]]

    public init(_ vectors: [String: [Double]] = [:]) { self.vectors = vectors }

    /// A list; empty where there is none.
    public subscript(name: String) -> [Double] {
        get { vectors[name] ?? [] }
        set { vectors[name] = newValue }
    }
}
