/// One thing that a component does wrong.
public struct ConformanceFailure: Sendable, Hashable, CustomStringConvertible {
    /// What the component is, such as `generator`.
    public let kind: String
    /// The name it is registered under; empty where the plugin as a whole is meant.
    public let component: String
    /// What does not hold, such as `gradient of the generator's loss`.
    public let property: String
    public let found: String
    public let expected: String

    /// `generator 'mine': images: found [4, 8, 8, 3], expected [4, 8, 8, 1]`.
    public var description: String {
        let subject = component.isEmpty ? kind : "\(kind) '\(component)'"
        return "\(subject): \(property): found \(found), expected \(expected)"
    }
}

/// Everything that a plugin does wrong; never empty.
public struct ConformanceFailures: Error, Hashable, CustomStringConvertible {
    public let failures: [ConformanceFailure]

    /// A line for each failure.
    public var description: String { failures.map(\.description).joined(separator: "\n") }
}
