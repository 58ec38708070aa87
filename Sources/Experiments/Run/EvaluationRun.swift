import CPUEngine
import Datasets
import ErrataCore
import Foundation
import TensorEngine

/// The training from scratch, and the test, of a genotype in a run directory.
public final class EvaluationRun {
    /// What an evaluation has measured.
    public struct Result: Sendable {
        /// Of the last epoch's weights, on the test images.
        public let test: Performance
        public let parameterCount: Int
    }

    private let experiment: Experiment
    private let directory: RunDirectory
    private let backend: CPUBackend
    private let progress: any ProgressReporter
    private let lock: RunLock
    private let genotype: Genotype
    private let trainer: DiscreteTrainer
    private let training, test: any BatchSource
    private let stepsPerEpoch: Int
    private var model: TrainedModel
    private var step = 0
    private var last: Performance?

    private var settings: EvaluationSpec { experiment.spec.evaluation }
    private var steps: Int { settings.epochs * stepsPerEpoch }

    /// - Throws: as `SearchRun`'s; `GenotypeError` if the search space does not have the genotype's operations.
    public init(
        _ experiment: Experiment, genotype: Genotype, in directory: RunDirectory, on backend: CPUBackend,
        resuming: Bool, progress: any ProgressReporter
    ) throws {
        self.experiment = experiment
        self.directory = directory
        self.backend = backend
        self.progress = progress
        self.genotype = genotype
        let data = try experiment.data()
        trainer = try experiment.trainer(genotype, for: data.images)
        try directory.create(["evaluation"])
        lock = try RunLock(directory.lock)
        directory.removeLeftovers()
        guard resuming || !directory.evaluationCheckpoint.exists else {
            throw FileError(
                directory.evaluationCheckpoint.path,
                "holds an evaluation already: pass --resume to go on with it")
        }
        try directory.claim(directory.evaluation("spec.yaml"), for: experiment.spec, resuming: resuming)

        let spec = experiment.spec.evaluation
        let normalization = try PixelNormalization(of: data.training)
        training = try Prefetcher(
            BatchLoader(
                data.training,
                .init(
                    batchSize: spec.batchSize, augmentation: spec.augmentation, normalization: normalization,
                    dtype: experiment.dtype),
                on: backend, random: RandomStream(seed: experiment.seed, "evaluation batches")))
        test = try BatchLoader(
            data.test,
            .evaluation(batchSize: spec.batchSize, normalization: normalization, dtype: experiment.dtype),
            on: backend, random: RandomStream(seed: 0))
        stepsPerEpoch = min(spec.stepsPerEpoch ?? .max, training.batchesPerEpoch)
        model = try trainer.initialModel(on: backend, experiment.dtype)
        if directory.evaluationCheckpoint.exists { try restore() }
    }

    /// Takes all steps that are left, and tests.
    public func run() throws -> RunOutcome<Result> {
        let start = ContinuousClock.now
        let firstStep = step
        let metrics = try MetricsTable(
            directory.evaluation("metrics.csv"),
            columns: ["step", "epoch", "loss", "accuracy", "learning_rate", "seconds", "peak_memory_bytes"],
            keepingUpTo: firstStep > 0 ? firstStep : nil)
        let epochs = try MetricsTable(
            directory.evaluation("epochs.csv"),
            columns: ["epoch", "step", "test_loss", "test_error", "seconds"],
            keepingUpTo: firstStep > 0 ? firstStep / stepsPerEpoch : nil)
        var clock = CheckpointClock(minutes: settings.checkpointMinutes)
        while step < steps {
            let epoch = step / stepsPerEpoch
            let began = ContinuousClock.now
            let (loss, accuracy) = try trainer.step(
                &model, on: training.batch(step: step), epoch: epoch, step: step)
            step += 1
            let now = ContinuousClock.now
            try metrics.append([
                "step": Double(step), "epoch": Double(epoch + 1), "loss": loss, "accuracy": accuracy,
                "learning_rate": trainer.rate(epoch: epoch), "seconds": (now - began) / .seconds(1),
                "peak_memory_bytes": Double(peakResidentMemory()),
            ])
            progress.report(
                RunProgress(
                    phase: "evaluate", epoch: epoch + 1, epochs: settings.epochs, step: step, steps: steps,
                    stepsHere: step - firstStep, seconds: (now - start) / .seconds(1),
                    values: [("loss", loss), ("accuracy", accuracy)]))
            let endsEpoch = step % stepsPerEpoch == 0
            if endsEpoch {
                let performance = try trainer.performance(model, on: test)
                last = performance
                try epochs.append([
                    "epoch": Double(epoch + 1), "step": Double(step), "test_loss": performance.loss,
                    "test_error": performance.error, "seconds": (ContinuousClock.now - start) / .seconds(1),
                ])
                progress.say(
                    "epoch \(epoch + 1) of \(settings.epochs): test error \(percent(performance.error)), loss "
                        + rounded(performance.loss))
            }
            let signal = Interruption.received
            if endsEpoch || signal != nil || clock.isDue() { try checkpoint() }
            if let signal, step < steps { return .interrupted(signal: signal, step: step) }
        }
        let performance = try last ?? trainer.performance(model, on: test)
        let result = Result(test: performance, parameterCount: model.layout.parameterCount)
        try AtomicFile.write(
            YAMLWriter.text(
                .mapping([
                    .init("genotype", genotype.encoded),
                    .init("parameters", .literal("\(result.parameterCount)")),
                    .init("test_images", .literal("\(performance.count)")),
                    .init("test_error", .literal("\(performance.error)")),
                    .init("test_loss", .literal("\(performance.loss)")),
                    .init("epochs", .literal("\(settings.epochs)")),
                ])), to: directory.evaluation("result.yaml"))
        return .finished(result)
    }

    private func checkpoint() throws {
        var archive = Archive()
        try archive.store(model, at: "network")
        archive.identify(as: "evaluation", experiment.spec, on: backend)
        archive[attribute: "step"] = .integer(step)
        archive[attribute: "genotype"] = .text("\(genotype)")
        try directory.evaluationCheckpoint.write(archive)
    }

    private func restore() throws {
        let store = directory.evaluationCheckpoint
        let archive = try store.read()
        do {
            try archive.requireIdentity("evaluation", experiment.spec)
            guard try archive.text("genotype") == "\(genotype)" else {
                throw ArchiveError("it trains another genotype: \(try archive.text("genotype"))")
            }
            model = try archive.model(model, at: "network", dtype: experiment.dtype, on: backend)
            step = try archive.integer("step")
        } catch let error as ArchiveError {
            throw FileError(store.path, error.description)
        }
        progress.say("resumed at step \(step) of \(steps)")
        if let difference = Provenance(backend).difference(from: archive) { progress.say(difference) }
    }
}
