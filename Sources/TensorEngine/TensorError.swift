/// What an operation was asked that it cannot do.
public struct TensorError: Error, Sendable, CustomStringConvertible {
    /// The operation that refused.
    public let operation: String
    /// What was wrong and what was expected.
    public let reason: String

    public init(_ operation: String, _ reason: String) {
        self.operation = operation
        self.reason = reason
    }

    public var description: String { "\(operation): \(reason)" }
}

/// Throws a `TensorError` unless the condition holds.
@inline(__always)
package func require(_ condition: Bool, _ operation: String, _ reason: @autoclosure () -> String) throws {
    if !condition { throw TensorError(operation, reason()) }
}
