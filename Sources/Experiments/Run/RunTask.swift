import ErrataCore

/// Which of the two runs a directory can hold; the name of its folder, and the kind of its checkpoints.
public enum RunKind: String, Sendable {
    case search, evaluation
}

/// What a run does, step by step: all in which a search and an evaluation differ. `Run` does the rest.
public protocol RunTask: Sendable {
    /// What it comes to.
    associatedtype Result: Configuration

    static var kind: RunKind { get }
    var experiment: Experiment { get }
    /// What it computes on, for messages and checkpoints.
    var data: DataDigest { get }
    /// What is remarkable about the settings and the data, a line each; said at the start.
    var notices: [String] { get }

    /// Epochs of the whole run.
    var epochs: Int { get }
    var stepsPerEpoch: Int { get }
    /// Steps taken.
    var step: Int { get }
    var checkpointMinutes: Double { get }
    /// Whether no step follows, although not all have been taken.
    var hasEndedEarly: Bool { get }

    /// The columns of `metrics.csv`, a row a step, beside the step, the epoch, the seconds and the memory.
    var stepColumns: [String] { get }
    /// The columns of `epochs.csv` beside the epoch, the step and the seconds.
    var epochColumns: [String] { get }
    /// The columns of `classes.csv`, a row for each class and epoch, beside the epoch, the class's number and its
    /// name; none where there is no such table.
    var classColumns: [String] { get }

    /// - Throws: if training has diverged.
    mutating func takeStep() throws -> StepRow
    /// Measures, and writes what an epoch leaves.
    mutating func endEpoch(_ output: RunOutput) throws -> EpochRows

    /// Puts all that the task has come to into a checkpoint.
    func store(in archive: inout Archive) throws
    /// The inverse of `store`.
    ///
    /// - Throws: `ArchiveError` if something is missing or of another experiment.
    mutating func restore(from archive: Archive) throws
    /// What to change if the values at a path of the checkpoint are not finite: a setting's name.
    func remedy(for path: String) -> String

    /// After the last step.
    mutating func result(_ output: RunOutput) throws -> Result
}

/// A step's values: some for the table, some for the line of progress.
public struct StepRow: Sendable {
    public var values: [String: Double]
    public var shown: [(label: String, value: Double)]
}

/// An epoch's values.
public struct EpochRows: Sendable {
    public var values: [String: Double]
    /// For each class, in the order of the labels.
    public var classes: [[String: Double]] = []
    /// What is said of the epoch.
    public var line: String
}

/// Where a task writes, and says what is new.
public struct RunOutput {
    public let directory: RunDirectory
    public let say: (String) -> Void
}
