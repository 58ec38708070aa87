/// A number that a step or an epoch reports: a column of a table.
public struct MetricDeclaration: Sendable, Hashable {
    /// The column's name, in snake case.
    public let name: String
    /// One line, with the unit where there is one.
    public let meaning: String
    /// What the progress line calls it; nil where it does not stand there.
    public let label: String?

    public init(_ name: String, _ meaning: String, label: String? = nil) {
        self.name = name
        self.meaning = meaning
        self.label = label
    }
}
