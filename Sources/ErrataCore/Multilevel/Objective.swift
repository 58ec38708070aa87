import TensorEngine

/// What a function of a multilevel problem may depend on.
public enum Dependency: Hashable, Sendable, ExpressibleByStringLiteral {
    /// A.
    case architecture
    /// A player's variables, or a derived quantity.
    case value(String)

    public init(stringLiteral name: String) { self = .value(name) }
}

/// From the values it depends on to a scalar.
public struct Objective: Sendable {
    public let dependencies: [Dependency]
    private let function: Function

    /// What else comes of an evaluation goes to the record. Evaluated twice at a point, a function draws the same
    /// random numbers and gives the same value, with a record or without.
    public typealias Function = @Sendable (Point, EvaluationRecord?) throws -> Tensor

    public init(_ dependencies: [Dependency], _ function: @escaping Function) {
        self.dependencies = dependencies
        self.function = function
    }

    /// The value at a point, of which the function sees what it depends on.
    public func callAsFunction(_ point: Point, _ record: EvaluationRecord? = nil) throws -> Tensor {
        try function(point.restricted(to: dependencies), record)
    }
}

/// The values at which functions are evaluated.
public struct Point: Sendable {
    var values: [Dependency: [Tensor]]
    /// Running statistics by player, as its step left them: constants.
    public var statistics: [String: [Tensor]] = [:]
    /// Which of its level's steps a player is about to take, from 0: each draws random numbers of its own.
    public internal(set) var innerStep = 0
    /// Whether a function should compute parts of itself again for a gradient instead of keeping them.
    public internal(set) var checkpointing = false

    public init(architecture: [Tensor], values: [String: [Tensor]] = [:]) {
        self.values = [.architecture: architecture]
        for (name, tensors) in values { self[name] = tensors }
    }

    public var architecture: [Tensor] {
        get { self[.architecture] }
        set { values[.architecture] = newValue }
    }

    /// A player's variables or a derived quantity.
    public subscript(name: String) -> [Tensor] {
        get { self[.value(name)] }
        set { values[.value(name)] = newValue }
    }

    subscript(dependency: Dependency) -> [Tensor] {
        guard let tensors = values[dependency] else {
            fatalError("a function reads \(dependency), which is not among its dependencies")
        }
        return tensors
    }

    /// The same point without the values that a function does not depend on.
    func restricted(to dependencies: [Dependency]) -> Point {
        var result = self
        result.values = values.filter { dependencies.contains($0.key) }
        return result
    }

    /// Replaces values by variables of differentiation.
    ///
    /// - Returns: the variables.
    mutating func makeVariables(_ dependencies: [Dependency]) -> [Dependency: [Tensor]] {
        var variables: [Dependency: [Tensor]] = [:]
        for dependency in dependencies { variables[dependency] = self[dependency].map(\.variable) }
        values.merge(variables) { $1 }
        return variables
    }
}

/// What evaluating a function yields besides its value.
public final class EvaluationRecord {
    /// Named scalars for the metrics.
    public var metrics: [String: Double] = [:]
    /// Running statistics by player, as the evaluation would leave them.
    public var statistics: [String: [Tensor]] = [:]
    /// Named tensors, such as the class weights.
    public var tensors: [String: Tensor] = [:]
    /// How many examples stand behind each element of a named tensor.
    public var counts: [String: [Int]] = [:]

    public init() {}
}
