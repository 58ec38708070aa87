import ErrataCore
import Foundation
import TensorEngine

/// A task in a run directory: the lock, the tables, the checkpoints, the signals.
///
/// A run that is killed at any moment and begun again with `resuming` ends with the same bits.
public final class Run<Task: RunTask> {
    private var task: Task
    private let claim: DirectoryClaim
    private let backend: any Backend
    private let progress: any ProgressReporter
    /// The processes that compute the run together, which stop and save at the same steps.
    private let communicator: any Communicator
    /// What earlier processes have spent on the steps up to the checkpoint.
    private var secondsBefore = 0.0
    private var start = ContinuousClock.now

    private var directory: RunDirectory { claim.directory }
    private var spec: ExperimentSpec { task.experiment.spec }
    private var checkpoints: CheckpointStore { directory.checkpoints(of: Task.kind) }
    private var output: RunOutput { RunOutput(directory: directory, say: progress.say) }
    private var steps: Int { task.epochs * task.stepsPerEpoch }
    private var isOver: Bool { task.step >= steps || task.hasEndedEarly }
    private var seconds: Double { secondsBefore + (ContinuousClock.now - start) / .seconds(1) }

    /// Takes a directory, and what its checkpoint holds.
    ///
    /// - Parameters:
    ///   - task: at its beginning.
    ///   - directory: that is to hold the run.
    ///   - backend: what computes; its identity goes into checkpoints.
    ///   - resuming: whether to go on with the run that the directory holds, where it holds one.
    ///   - communicator: the processes that compute the run together.
    ///   - progress: who is told.
    /// - Throws: `FileError` if the directory holds another run or somebody's own files, is in use, or its
    ///   checkpoint is damaged. Nothing is then left of the start.
    public init(
        _ task: Task, in directory: RunDirectory, on backend: any Backend, resuming: Bool,
        progress: any ProgressReporter, communicator: any Communicator = Alone()
    ) throws {
        self.task = task
        self.communicator = communicator
        self.backend = backend
        self.progress = progress
        claim = try DirectoryClaim(directory, for: Task.kind, task.experiment, resuming: resuming)
        do {
            for line in task.notices { progress.say(line) }
            if checkpoints.exists { try restore() }
            try claim.writeSpec()
        } catch {
            claim.undo()
            throw error
        }
    }

    /// Takes all steps that are left.
    ///
    /// - Throws: `FileError` if something cannot be written; what the task throws.
    public func run() throws -> RunOutcome<Task.Result> {
        let firstStep = task.step
        do { return try takeSteps() } catch {
            if firstStep == 0, task.step == 0 { claim.undo() }
            throw error
        }
    }

    private func takeSteps() throws -> RunOutcome<Task.Result> {
        start = .now
        let firstStep = task.step
        let tables = try RunTables(of: task, in: claim)
        for gap in tables.gaps { progress.say(gap) }
        var clock = CheckpointClock(minutes: task.checkpointMinutes)
        while !isOver {
            let epoch = task.step / task.stepsPerEpoch
            let began = ContinuousClock.now
            let row = try task.takeStep()
            try tables.append(row, step: task.step, epoch: epoch, seconds: (.now - began) / .seconds(1))
            progress.report(
                RunProgress(
                    phase: Task.kind == .search ? "search" : "evaluate", epoch: epoch + 1,
                    epochs: task.epochs, step: task.step, steps: steps, stepsHere: task.step - firstStep,
                    seconds: (.now - start) / .seconds(1), values: row.shown.map { ($0.label, $0.value) }))
            let endsEpoch = task.step % task.stepsPerEpoch == 0
            if endsEpoch {
                let rows = try task.endEpoch(output)
                try tables.append(rows, step: task.step, epoch: epoch, seconds: seconds)
                progress.say("epoch \(epoch + 1) of \(task.epochs): \(rows.line)")
            }
            let signal = Interruption.received
            let stops = try communicator.any(signal != nil)
            let isDue = try communicator.any(clock.isDue())
            if endsEpoch || stops || isDue {
                try tables.flush()
                try checkpoint()
            }
            if stops, !isOver {
                return .interrupted(signal: signal ?? "a signal to another rank", step: task.step)
            }
        }
        let result = try task.result(output)
        try AtomicFile.write(YAMLWriter.text(result.encoded), to: directory.result(of: Task.kind))
        return .finished(result)
    }

    // MARK: Checkpoints

    private func checkpoint() throws {
        var archive = Archive()
        try task.store(in: &archive)
        if let path = archive.firstNotFinite {
            throw RunError(
                "step \(task.step): '\(path)' is not finite; training has diverged: \(task.remedy(for: path))"
            )
        }
        archive.identify(as: Task.kind, spec, on: backend)
        archive[attribute: "step"] = .integer(task.step)
        archive[attribute: "steps_per_epoch"] = .integer(task.stepsPerEpoch)
        archive[attribute: "data"] = .text(task.data.description)
        archive[attribute: "seconds"] = .number(seconds)
        if let notice = try checkpoints.write(archive) { progress.say(notice) }
    }

    private func restore() throws {
        let archive = try checkpoints.read()
        do {
            try archive.requireIdentity(Task.kind, of: task.experiment)
            try requireSameData(archive)
            try task.restore(from: archive)
            if case .number(let seconds) = archive[attribute: "seconds"] { secondsBefore = seconds }
        } catch let error as ArchiveError {
            throw FileError(checkpoints.path, error.description)
        }
        progress.say("resumed at step \(task.step) of \(steps)")
        if let difference = Provenance(backend).difference(from: archive) { progress.say(difference) }
    }

    /// An epoch is counted in steps, and a step is a batch of these images: with others, the run would be another.
    private func requireSameData(_ archive: Archive) throws {
        if let then = try? archive.text("data"), then != task.data.description {
            throw ArchiveError(
                "the data have changed: they were \(then), and are now \(task.data). Put them back, or begin anew "
                    + "in another directory")
        }
        if let then = try? archive.integer("steps_per_epoch"), then != task.stepsPerEpoch {
            throw ArchiveError(
                "an epoch had \(then) steps, and has \(task.stepsPerEpoch) now. Begin anew in another directory"
            )
        }
    }
}
