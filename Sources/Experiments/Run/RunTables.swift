import Foundation

/// The tables of a run: a row for each step, for each epoch, and for each class and epoch.
struct RunTables {
    private let steps, epochs: MetricsTable
    private let classes: MetricsTable?
    private let classNames: [String]

    /// Tables that go on after the steps that the task has taken.
    init(of task: some RunTask, in claim: DirectoryClaim) throws {
        let (step, epoch) = (task.step, task.step / task.stepsPerEpoch)
        func table(_ name: String, _ columns: [String], keepingUpTo last: Int) throws -> MetricsTable {
            let path = claim.directory.file(name, of: type(of: task).kind)
            claim.willMake(path)
            return try MetricsTable(path, columns: columns, keepingUpTo: step > 0 ? last : nil)
        }
        steps = try table(
            "metrics.csv", ["step", "epoch"] + task.stepColumns + ["seconds", "peak_memory_bytes"],
            keepingUpTo: step)
        epochs = try table(
            "epochs.csv", ["epoch", "step"] + task.epochColumns + ["seconds"], keepingUpTo: epoch)
        classNames = task.data.classNames
        classes =
            task.classColumns.isEmpty
            ? nil
            : try table("classes.csv", ["epoch", "class", "name"] + task.classColumns, keepingUpTo: epoch)
    }

    /// What tables that go on have lost, a line each.
    var gaps: [String] { all.compactMap(\.gap) }

    private var all: [MetricsTable] { [steps, epochs] + [classes].compactMap(\.self) }

    /// Makes all rows last.
    func flush() throws {
        for table in all { try table.flush() }
    }

    func append(_ row: StepRow, step: Int, epoch: Int, seconds: Double) throws {
        try append(
            row.values, to: steps,
            [
                "step": Double(step), "epoch": Double(epoch + 1), "seconds": seconds,
                "peak_memory_bytes": Double(peakResidentMemory()),
            ])
    }

    func append(_ rows: EpochRows, step: Int, epoch: Int, seconds: Double) throws {
        guard let classes else { return try appendEpoch() }
        for (index, values) in rows.classes.enumerated() {
            try append(
                values, to: classes, ["epoch": Double(epoch + 1), "class": Double(index)],
                texts: ["name": classNames[index]])
        }
        try appendEpoch()

        func appendEpoch() throws {
            try append(
                rows.values, to: epochs,
                ["epoch": Double(epoch + 1), "step": Double(step), "seconds": seconds])
        }
    }

    /// - Throws: `RunError` if a value has no column of its own.
    private func append(
        _ values: [String: Double], to table: MetricsTable, _ own: [String: Double],
        texts: [String: String] = [:]
    ) throws {
        for name in values.keys.sorted() where own[name] != nil || !table.columns.contains(name) {
            throw RunError(
                "'\(name)' was reported, and no column of \(table.path) is declared for it: declare the metric"
            )
        }
        try table.append(values.merging(own) { first, _ in first }, texts: texts)
    }
}
