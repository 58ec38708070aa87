import CPUEngine
import Datasets
import ErrataCore
import Foundation
import TensorEngine

/// A search in a run directory: batches, the learner, and all that is written on the way.
public final class SearchRun {
    private let experiment: Experiment
    private let directory: RunDirectory
    private let backend: CPUBackend
    private let progress: any ProgressReporter
    private let lock: RunLock
    private let learner: Learner
    private let training, validation, weighting, measuring: any BatchSource
    private let stepsPerEpoch: Int
    private let classNames: [String]
    private var state: LearnerState
    private var best: (genotype: Genotype, epoch: Int, accuracy: Double)?
    /// Sums over the epoch so far.
    private var weightSums: [Double]
    private var weightCount = 0

    private var settings: SearchSettings { experiment.spec.search }
    private var steps: Int { settings.epochs * stepsPerEpoch }

    /// - Parameter resuming: whether to go on from the directory's checkpoint, where there is one.
    /// - Throws: `FileError` if the directory holds another run, is in use, or its checkpoint is damaged;
    ///   `DatasetError`; and what components throw that do not fit each other.
    public init(
        _ experiment: Experiment, in directory: RunDirectory, on backend: CPUBackend, resuming: Bool,
        progress: any ProgressReporter
    ) throws {
        self.experiment = experiment
        self.directory = directory
        self.backend = backend
        self.progress = progress
        let data = try experiment.data()
        try directory.create(["search/genotypes", "search/samples", "search/cells"])
        lock = try RunLock(directory.lock)
        directory.removeLeftovers()
        try directory.claim(directory.spec, for: experiment.spec, resuming: resuming)

        let spec = experiment.spec
        let split = try Split(
            data.training, trainingFraction: spec.data.trainingFraction,
            random: RandomStream(seed: experiment.seed, "split"))
        let normalization = try PixelNormalization(of: split.training)
        func loader(_ set: any Dataset, _ label: String, _ augmentation: Augmentation) throws
            -> any BatchSource
        {
            try Prefetcher(
                BatchLoader(
                    set,
                    .init(
                        batchSize: spec.search.batchSize, augmentation: augmentation,
                        normalization: normalization, includesOriginals: label == "training",
                        dtype: experiment.dtype),
                    on: backend, random: RandomStream(seed: experiment.seed, "\(label) batches")))
        }
        training = try loader(split.training, "training", spec.search.augmentation)
        validation = try loader(split.validation, "validation", .none)
        weighting = try loader(split.validation, "weighting", .none)
        measuring = try BatchLoader(
            split.validation,
            .evaluation(
                batchSize: 2 * spec.search.batchSize, normalization: normalization, dtype: experiment.dtype),
            on: backend, random: RandomStream(seed: 0))
        stepsPerEpoch = min(spec.search.stepsPerEpoch ?? .max, training.batchesPerEpoch)
        classNames = data.training.classNames
        learner = try experiment.learner(for: data.images, normalization: normalization)
        state = try learner.initialState(on: backend, experiment.dtype)
        weightSums = [Double](repeating: 0, count: classNames.count)
        if directory.searchCheckpoint.exists { try restore() }
    }

    /// Takes all steps that are left.
    public func run() throws -> RunOutcome<SearchResult> {
        let start = ContinuousClock.now
        let firstStep = state.step
        let metrics = try MetricsTable(
            directory.search("metrics.csv"), columns: columns, keepingUpTo: firstStep > 0 ? firstStep : nil)
        let epochs = try MetricsTable(
            directory.search("epochs.csv"),
            columns: ["epoch", "step", "validation_loss", "validation_accuracy", "seconds"],
            keepingUpTo: firstStep > 0 ? firstStep / stepsPerEpoch : nil)
        var clock = CheckpointClock(minutes: settings.checkpointMinutes)
        while state.step < steps {
            let epoch = state.step / stepsPerEpoch
            let step = state.step
            let began = ContinuousClock.now
            let validation = try validation.batch(step: step)
            let batches = Learner.Batches(
                training: try training.batch(step: step), validation: validation,
                weighting: experiment.spec.learner.validationBatches == .shared
                    ? validation : try weighting.batch(step: step))
            let report = try learner.step(&state, on: batches, epoch: epoch)
            add(report)
            let now = ContinuousClock.now
            try metrics.append(row(report, epoch: epoch, seconds: (now - began) / .seconds(1)))
            progress.report(
                RunProgress(
                    phase: "search", epoch: epoch + 1, epochs: settings.epochs, step: state.step,
                    steps: steps,
                    stepsHere: state.step - firstStep, seconds: (now - start) / .seconds(1),
                    values: shown(report)))

            let endsEpoch = state.step % stepsPerEpoch == 0
            if endsEpoch { try finish(epoch, since: start, in: epochs) }
            let signal = Interruption.received
            if endsEpoch || signal != nil || clock.isDue() { try checkpoint() }
            if let signal, state.step < steps { return .interrupted(signal: signal, step: state.step) }
        }
        guard let best else { preconditionFailure("a search of no epochs") }
        var result = SearchResult()
        (result.genotype, result.epoch, result.accuracy) = best
        result.classNames = classNames
        if learner.settings.lfm { result.classWeights = weightSums.map { $0 / Double(max(weightCount, 1)) } }
        result.pictures = try finalPictures(best.genotype)
        try AtomicFile.write(YAMLWriter.text(result.encoded), to: directory.resultOfSearch)
        return .finished(result)
    }

    // MARK: An epoch's end

    private func finish(_ epoch: Int, since start: ContinuousClock.Instant, in table: MetricsTable) throws {
        let performance = try learner.validate(state, on: measuring)
        let genotype = try learner.space.genotype(of: state.architecture.state.parameters)
        let number = String(format: "%03d", epoch + 1)
        try GenotypeFile.write(genotype, to: directory.search("genotypes/epoch-\(number).yaml"))
        if let samples = try learner.samples(state, columns: settings.sampleColumns) {
            let png = try SampleGrid.png(samples, columns: settings.sampleColumns)
            try AtomicFile.write(png, to: directory.search("samples/epoch-\(number).png"))
        }
        if best.map({ performance.accuracy > $0.accuracy }) ?? true {
            best = (genotype, epoch + 1, performance.accuracy)
            try GenotypeFile.write(genotype, to: directory.genotype)
        }
        try table.append([
            "epoch": Double(epoch + 1), "step": Double(state.step), "validation_loss": performance.loss,
            "validation_accuracy": performance.accuracy,
            "seconds": (ContinuousClock.now - start) / .seconds(1),
        ])
        progress.say(
            "epoch \(epoch + 1) of \(settings.epochs): validation accuracy \(percent(performance.accuracy)), "
                + "loss \(rounded(performance.loss))")
    }

    private func finalPictures(_ genotype: Genotype) throws -> [String] {
        let drawing = try CellDrawing(of: genotype, to: directory.search("cells"))
        for warning in drawing.warnings { progress.say(warning) }
        let grid = directory.search("samples/epoch-\(String(format: "%03d", settings.epochs)).png")
        return (drawing.paths + [grid]).filter { access($0, F_OK) == 0 }
            .map { String($0.dropFirst(directory.path.count + 1)) }
    }

    // MARK: Metrics

    private func add(_ report: Learner.Report) {
        // The sums of the last epoch stay for the result.
        if (state.step - 1) % stepsPerEpoch == 0 {
            weightSums = [Double](repeating: 0, count: weightSums.count)
            weightCount = 0
        }
        guard !report.classWeights.isEmpty else { return }
        for (index, weight) in report.classWeights.enumerated() { weightSums[index] += weight }
        weightCount += 1
    }

    private static let stepColumns = [
        "w1_loss", "generator_loss", "discriminator_loss", "w2_loss", "architecture_loss",
        "training_accuracy",
        "validation_accuracy", "w1_gradient_norm", "w2_gradient_norm",
    ]
    /// The norms of the hypergradient's terms.
    private static let termColumns = ArchitecturePath.allCases.map { "architecture_gradient_\($0.rawValue)" }

    private var columns: [String] {
        ["step", "epoch"] + Self.stepColumns + Self.termColumns
            + learner.rates(epoch: 0).map { "\($0.level)_learning_rate" }
            + classNames.indices.map { "class_loss_\($0)" } + classNames.indices.map { "class_weight_\($0)" }
            + ["seconds", "peak_memory_bytes"]
    }

    private func row(_ report: Learner.Report, epoch: Int, seconds: Double) -> [String: Double] {
        var row = report.metrics
        row["step"] = Double(state.step)
        row["epoch"] = Double(epoch + 1)
        for (level, rate) in learner.rates(epoch: epoch) { row["\(level)_learning_rate"] = rate }
        row["seconds"] = seconds
        row["peak_memory_bytes"] = Double(peakResidentMemory())
        for (index, loss) in report.classLosses.enumerated() { row["class_loss_\(index)"] = loss }
        for (index, weight) in report.classWeights.enumerated() { row["class_weight_\(index)"] = weight }
        return row
    }

    private func shown(_ report: Learner.Report) -> [(String, Double)] {
        [
            ("w2", "w2_loss"), ("val", "architecture_loss"), ("G", "generator_loss"),
            ("H", "discriminator_loss"),
        ]
        .compactMap { label, key in report.metrics[key].map { (label, $0) } }
    }

    // MARK: Checkpoints

    private func checkpoint() throws {
        var archive = Archive()
        try archive.store(state, on: backend)
        archive.identify(as: "search", experiment.spec, on: backend)
        try archive.store(backend.tensor(weightSums, [weightSums.count]), at: "epoch/class_weight_sums")
        archive[attribute: "epoch/steps"] = .integer(weightCount)
        if let best {
            archive[attribute: "best/genotype"] = .text("\(best.genotype)")
            archive[attribute: "best/epoch"] = .integer(best.epoch)
            archive[attribute: "best/accuracy"] = .number(best.accuracy)
        }
        try directory.searchCheckpoint.write(archive)
    }

    private func restore() throws {
        let store = directory.searchCheckpoint
        let archive = try store.read()
        do {
            try archive.requireIdentity("search", experiment.spec)
            state = try archive.learnerState(state, dtype: experiment.dtype, on: backend)
            weightSums = try archive.tensor(
                "epoch/class_weight_sums", [weightSums.count], .float64, on: backend
            ).values()
            weightCount = try archive.integer("epoch/steps")
            if let text = try? archive.text("best/genotype"),
                case .number(let accuracy) = archive[attribute: "best/accuracy"]
            {
                best = (try Genotype(parsing: text), try archive.integer("best/epoch"), accuracy)
            }
        } catch let error as ArchiveError {
            throw FileError(store.path, error.description)
        }
        progress.say("resumed at step \(state.step) of \(steps)")
        if let difference = Provenance(backend).difference(from: archive) { progress.say(difference) }
    }
}
