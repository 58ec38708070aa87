import TensorEngine

/// What a function of a multilevel problem may depend on.
public enum Dependency: Hashable, Sendable, Comparable, ExpressibleByStringLiteral {
    /// A.
    case architecture
    /// A player's variables, or a coupling's quantity.
    case value(ValueID)

    public init(stringLiteral name: String) { self = .value(ValueID(name)) }
}

/// From the values it depends on to a scalar, or to a coupling's quantity.
public struct Objective: Sendable {
    public let dependencies: [Dependency]
    private let function: Function

    /// A function of the values, its occasion among them, and of nothing that changes.
    public typealias Function = @Sendable (Values) throws -> Evaluation

    public init(_ dependencies: [Dependency], _ function: @escaping Function) {
        self.dependencies = dependencies
        self.function = function
    }

    /// The evaluation at values, of which the function sees those it depends on.
    ///
    /// - Throws: what the function throws.
    public func callAsFunction(_ values: Values) throws -> Evaluation {
        try function(values.restricted(to: dependencies))
    }
}
