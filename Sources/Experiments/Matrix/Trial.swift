import ErrataCore

/// One experiment of a matrix: a choice on every axis.
public struct Trial: Sendable {
    /// What people call it; of the trials of a matrix, no two have one name.
    public let name: String
    /// What was chosen, in the order of the axes: empty where a file has no matrix.
    public let choices: [Choice]
    /// The whole spec, not yet checked; its `name` is the trial's.
    public let settings: ConfigurationValue

    /// What a trial has chosen on an axis.
    public struct Choice: Sendable, Hashable {
        public let axis: String
        public let label: String

        public init(axis: String, label: String) {
            self.axis = axis
            self.label = label
        }
    }
}
