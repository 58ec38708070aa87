/// What is wrong with a file of images, or with what was asked of a data set.
public struct DatasetError: Error, Sendable, CustomStringConvertible {
    /// The file or the data set.
    public let subject: String
    /// What was wrong and what was expected.
    public let reason: String

    public init(_ subject: String, _ reason: String) {
        self.subject = subject
        self.reason = reason
    }

    public var description: String { "\(subject): \(reason)" }
}

/// Throws a `DatasetError` unless the condition holds.
@inline(__always)
func require(_ condition: Bool, _ subject: String, _ reason: @autoclosure () -> String) throws {
    if !condition { throw DatasetError(subject, reason()) }
}
