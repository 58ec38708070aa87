import ErrataCore

/// How far a run has come, by what is in its directory: the same whoever runs it, and wherever.
public struct RunStatus: Sendable {
    /// Steps that have rows, and epochs that were ended.
    public var step = 0
    public var epochs = 0
    /// What the models descend at the last step, by the columns' names without `_loss`.
    public var losses: [(name: String, value: Double)] = []
    /// Of the last step, and of all epochs that were ended together.
    public var secondsPerStep: Double?
    public var secondsOfEpochs: Double?

    /// - Parameters:
    ///   - directory: which may not be there.
    ///   - kind: which of its runs.
    public init(of directory: RunDirectory, _ kind: RunKind) {
        if let steps = CSVTable.latest(directory.file("metrics.csv", of: kind)), let row = steps.rows.last {
            step = Int(steps.last("step") ?? 0)
            secondsPerStep = steps.last("seconds")
            losses = zip(steps.columns, row).compactMap { column, text in
                guard column.hasSuffix("loss"), let value = Double(text) else { return nil }
                return (column == "loss" ? "loss" : String(column.dropLast(5)), value)
            }
        }
        if let table = CSVTable.latest(directory.file("epochs.csv", of: kind)) {
            epochs = Int(table.last("epoch") ?? 0)
            secondsOfEpochs = table.last("seconds")
        }
    }

    /// How long the run still takes, in seconds: by the epochs that were ended, or else by steps alone.
    public func secondsLeft(of size: RunSize) -> Double? {
        let steps = size.epochs * size.stepsPerEpoch - step
        guard steps > 0 else { return 0 }
        let perStep = secondsPerStep ?? size.secondsPerStep
        guard epochs > 0, let secondsOfEpochs else { return perStep.map { $0 * Double(steps) } }
        let perEpoch = secondsOfEpochs / Double(epochs)
        let spent = min(Double(step - epochs * size.stepsPerEpoch) * (perStep ?? 0), perEpoch)
        return perEpoch * Double(size.epochs - epochs) - max(spent, 0)
    }
}
