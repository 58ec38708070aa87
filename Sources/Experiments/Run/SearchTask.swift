import Datasets
import ErrataCore
import Foundation
import Multilevel
import NeuralNetworks
import TensorEngine

/// A search: its stages, its batches, and what is measured and kept at each epoch's end.
public struct SearchTask: RunTask {
    public static let kind = RunKind.search

    public let experiment: Experiment
    public let data: DataDigest
    public private(set) var notices: [String]
    public let stepsPerEpoch: Int
    private let backend: any Backend
    private let images: ImageSpecification
    private let normalization: PixelNormalization
    private let trainingCounts: [Int]
    private let batches: SearchBatches
    private let measuring: any BatchSource
    private var stage: SearchStage
    private var state: SearchState
    private var best: (genotype: any GenotypeRepresentable, epoch: Int, accuracy: Double)?
    private var stopping: EarlyStoppingWatch?
    /// Of the step that was taken last.
    private var latest: (batches: StepBatches, time: TrainingTime)?
    private var latestLoss: Double?
    /// Whether anything has flowed to A in the epoch so far.
    private var hasFlowed = false

    private var settings: SearchSettings { experiment.spec.search }
    private var search: ArchitectureSearch { stage.search }
    private var architectureOptimizer: any Optimizer {
        experiment.spec.optimizers.architecture.optimizer.product
    }
    public var epochs: Int {
        search.method.models.isEmpty ? 0 : experiment.searchSpace.stages * settings.epochs
    }
    public var step: Int { state.step }
    public var checkpointMinutes: Double { settings.checkpointMinutes }
    public var hasEndedEarly: Bool { stopping?.verdict != nil }
    private var measuresEigenvalue: Bool {
        settings.hessianEigenvalue || stopping?.rule.needsHessianEigenvalue ?? false
    }

    /// A search before its first step; all that it needs is built, and nothing is written.
    ///
    /// - Throws: `RunError`, `DatasetError` and what components throw that do not fit each other, the images, or the
    ///   evaluation that is to follow.
    public init(_ experiment: Experiment, on backend: any Backend) throws {
        self.experiment = experiment
        self.backend = backend
        let spec = experiment.spec
        let data = try experiment.data()
        images = data.images
        self.data = try DataDigest(of: [data.training])
        let split = try Split(
            data.training, trainingFraction: spec.data.trainingFraction, method: spec.data.split,
            random: RandomStream(seed: experiment.seed, "split"))
        let parts = [
            Provision(
                name: "D_tr", images: split.training, settings: "data.limit or data.training_fraction"),
            Provision(
                name: "D_val", images: split.validation, settings: "data.limit or data.training_fraction"),
        ]
        for part in parts { try part.requireBatch(of: spec.search.batchSize, "search.batch_size") }
        normalization = try experiment.normalization(of: split.training)
        trainingCounts = split.training.classCounts
        stage = SearchStage(
            index: 0,
            search: try experiment.search(
                in: experiment.searchSpace, for: images, trainingCounts: trainingCounts, normalization))
        batches = try SearchBatches(
            stage.search.method.batches, of: split, spec.search, experiment.dtype, normalization,
            seed: experiment.seed, on: backend)
        measuring = try BatchLoader(
            split.validation,
            .evaluation(
                batchSize: 2 * spec.search.batchSize, normalization: normalization, dtype: experiment.dtype),
            on: backend, random: RandomStream(seed: 0))
        let epoch = EpochLength(
            spec.search.stepsPerEpoch, of: batches.stepsPerEpoch, "search.steps_per_epoch", "D_tr")
        stepsPerEpoch = epoch.steps
        state = try stage.search.initialState(on: backend, experiment.dtype)
        let start = try SearchEpoch(number: 0, of: state.architecture.state.parameters, in: stage.space)
        stopping = try spec.search.earlyStopping.map { try EarlyStoppingWatch($0.product, start: start) }
        if stage.search.method.models.isEmpty { try Self.requireDrawn(state.architecture) }
        notices =
            data.notices + [epoch.notice].compactMap(\.self)
            + Provision.absentClasses(in: data.training, dividedInto: parts)
        try EvaluationTask.check(
            experiment, try stage.space.genotype(of: state.architecture.state.parameters), data)
    }

    /// - Throws: `RunError` if A begins alike everywhere, so that a method that takes no steps would find the same
    ///   whatever the seed.
    private static func requireDrawn(_ architecture: Model) throws {
        guard try Set(architecture.state.parameters.flatMap { try $0.doubles() }).count == 1 else { return }
        throw RunError(
            "search_space: A begins with equal entries, and the method takes no steps: every seed would find the same. "
                + "Let A begin at random")
    }

    /// The evaluation, before its first step, of what A says now.
    ///
    /// - Throws: what `EvaluationTask.init` throws.
    func evaluation() throws -> EvaluationTask {
        try EvaluationTask(
            experiment, genotype: stage.space.genotype(of: state.architecture.state.parameters), on: backend)
    }

    /// When a step of the whole search is.
    private func time(of step: Int) -> TrainingTime {
        let (epoch, stepOfEpoch) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
        let (stage, epochOfStage) = epoch.quotientAndRemainder(dividingBy: settings.epochs)
        return TrainingTime(
            stage: stage, epoch: epochOfStage, epochs: settings.epochs,
            warmup: settings.architectureWarmup, step: step, stepOfEpoch: stepOfEpoch,
            stepsPerEpoch: stepsPerEpoch)
    }

    // MARK: Steps

    public var stepColumns: [String] { search.metrics.map(\.name) }

    public mutating func takeStep() throws -> StepRow {
        let time = time(of: step)
        if time.stage > stage.index { try beginStage(time.stage) }
        let batches = try batches.batches(step: step)
        let values = try search.step(&state, on: batches, at: time)
        latest = (batches, time)
        hasFlowed = hasFlowed || values.contains { $0.hasPrefix("architecture_gradient_") && $1 > 0 }
        return StepRow(
            values: values,
            shown: search.metrics.compactMap { metric in
                guard let label = metric.label, let value = values[metric.name] else { return nil }
                return (label, value)
            })
    }

    /// A stage begins with the step after the last one of the stage before, so that what is written in between is
    /// all of one stage.
    private mutating func beginStage(_ index: Int) throws {
        guard let space = try stage.space.next(after: state.architecture.state.parameters) else {
            throw RunError(
                "the search space '\(experiment.spec.searchSpace.name)' has \(experiment.searchSpace.stages) stages, "
                    + "and nothing after stage \(index)")
        }
        let next = SearchStage(
            index: index,
            search: try experiment.search(
                in: space, for: images, trainingCounts: trainingCounts, normalization))
        state = try next.search.state(after: state, on: backend, experiment.dtype)
        stage = next
    }

    // MARK: An epoch's end

    /// The models whose performance is measured; the last is what the search is judged by.
    private var judged: ValueID? { search.method.classifiers.last }

    private func prefix(_ id: ValueID) -> String { id == judged ? "" : "\(id)_" }

    public var epochColumns: [String] {
        ["stage"]
            + search.method.classifiers.reversed().flatMap { id in
                ["loss", "accuracy"].map { "\(prefix(id))validation_\($0)" }
            } + stage.space.signs.map(\.name) + (measuresEigenvalue ? ["hessian_eigenvalue"] : [])
    }

    public var classColumns: [String] {
        ["images"] + search.method.classifiers.flatMap { ["\($0)_loss", "\($0)_accuracy"] }
            + search.method.classMetrics(search.method.initialMemory).map(\.name)
    }

    public mutating func endEpoch(_ output: RunOutput) throws -> EpochRows {
        guard let latest else { preconditionFailure("an epoch of no steps") }
        let number = step / stepsPerEpoch
        let measured = try search.performances(state, on: measuring, at: latest.time)
        guard let performance = measured.last?.performance else {
            throw RunError("the method '\(experiment.spec.method.name)' names no classifier to judge by")
        }
        let genotype = try stage.space.genotype(of: state.architecture.state.parameters)
        let files = EpochFiles(output, epoch: number)
        try files.write(genotype)
        try stage.space.writeAlternatives(of: state.architecture.state.parameters, to: files)
        try files.writeSamples(columns: settings.sampleColumns) {
            try search.method.samples(state, columns: settings.sampleColumns, seed: experiment.seed)
        }
        let competes =
            stage.index == stage.space.stages - 1 && !latest.time.isWarmup
        if competes, best.map({ performance.accuracy > $0.accuracy }) ?? true {
            best = (genotype, number, performance.accuracy)
            try GenotypeFile.write(genotype, to: output.directory.genotype)
        }
        latestLoss = performance.loss
        if !latest.time.isWarmup, !hasFlowed {
            output.say(
                "A's gradient was 0 throughout epoch \(number): nothing flows to it by hypergradient.paths in this "
                    + "method")
        }
        hasFlowed = false

        var values = try stage.space.signs(of: state.architecture.state.parameters)
        values["stage"] = Double(stage.index + 1)
        for (id, performance) in measured {
            values["\(prefix(id))validation_loss"] = performance.loss
            values["\(prefix(id))validation_accuracy"] = performance.accuracy
        }
        if measuresEigenvalue {
            values["hessian_eigenvalue"] = try search.dominantEigenvalue(
                state, on: latest.batches, at: latest.time)
        }
        if competes { try watch(number, values["hessian_eigenvalue"], performance.accuracy, output) }
        return EpochRows(
            values: values, classes: classRows(measured),
            line: "validation accuracy \(percent(performance.accuracy)), loss \(rounded(performance.loss))")
    }

    /// Lets the early stopping look at an epoch: what it names is the result.
    private mutating func watch(
        _ number: Int, _ eigenvalue: Double?, _ accuracy: Double, _ output: RunOutput
    ) throws {
        var epoch = try SearchEpoch(
            number: number, of: state.architecture.state.parameters, in: stage.space)
        epoch.hessianEigenvalue = eigenvalue
        guard let verdict = try stopping?.look(at: epoch, accuracy: accuracy) else { return }
        let genotype = try GenotypeFile.read(
            EpochFiles(output, epoch: verdict.epoch).genotype(), in: stage.space)
        best = (genotype, verdict.epoch, stopping?.accuracies[verdict.epoch] ?? accuracy)
        try GenotypeFile.write(genotype, to: output.directory.genotype)
        output.say("the search ends after epoch \(number): \(verdict.reason)")
    }

    private func classRows(_ measured: [(id: ValueID, performance: Performance)]) -> [[String: Double]] {
        let metrics = search.method.classMetrics(state.memory)
        return data.classNames.indices.map { index in
            var row: [String: Double] = [:]
            for (id, performance) in measured {
                let found = performance.classes[index]
                row["images"] = Double(found.count)
                row["\(id)_loss"] = found.loss
                row["\(id)_accuracy"] = found.accuracy
            }
            for metric in metrics where index < metric.values.count {
                row[metric.name] = metric.values[index]
            }
            return row
        }
    }

    // MARK: The result

    public mutating func result(_ output: RunOutput) throws -> SearchResult {
        let loss =
            try latestLoss
            ?? search.performances(state, on: measuring, at: time(of: max(step - 1, 0))).last?.performance
            .loss
        if let loss, let line = grown(loss, classes: images.classes, "optimizers.weights.rate") {
            output.say(line)
        }
        var result = SearchResult()
        let genotype: any GenotypeRepresentable
        if let best {
            genotype = best.genotype
            (result.epoch, result.accuracy) = (best.epoch, best.accuracy)
        } else {
            precondition(epochs == 0, "a search in which no epoch competes")
            genotype = try stage.space.genotype(of: state.architecture.state.parameters)
            try GenotypeFile.write(genotype, to: output.directory.genotype)
        }
        result.genotype = genotype.encoded
        result.stopped = stopping?.verdict?.reason
        result.classNames = data.classNames
        result.classMetrics = search.method.classMetrics(state.memory).map { .init($0.name, $0.values) }
        result.pictures = EpochFiles(output, epoch: step / stepsPerEpoch).finish(genotype)
        return result
    }

    // MARK: Checkpoints

    public func store(in archive: inout Archive) throws {
        try archive.store(state, of: search.method, architecture: architectureOptimizer)
        archive[attribute: "stage"] = .integer(stage.index)
        if let narrowing = stage.space.narrowing {
            archive[attribute: "narrowing"] = .text(YAMLWriter.text(narrowing))
        }
        if let best {
            archive[attribute: "best/genotype"] = .text(YAMLWriter.text(best.genotype.encoded))
            archive[attribute: "best/epoch"] = .integer(best.epoch)
            archive[attribute: "best/accuracy"] = .number(best.accuracy)
        }
        stopping?.store(in: &archive)
    }

    public mutating func restore(from archive: Archive) throws {
        let index = try archive.integer("stage")
        if index > 0 {
            let narrowing = try YAMLReader.read(archive.text("narrowing"), source: "narrowing")
            let space = try experiment.searchSpace.narrowed(by: narrowing)
            stage = SearchStage(
                index: index,
                search: try experiment.search(
                    in: space, for: images, trainingCounts: trainingCounts, normalization))
            state = try search.initialState(on: backend, experiment.dtype)
        }
        state = try archive.searchState(
            state, of: search.method, architecture: architectureOptimizer, experiment.dtype, on: backend)
        try stopping?.restore(from: archive)
        if let text = try? archive.text("best/genotype") {
            let genotype = try YAMLReader.read(text, source: "best/genotype")
            best = (
                try stage.space.readGenotype(genotype), try archive.integer("best/epoch"),
                try archive.number("best/accuracy")
            )
        }
    }

    public func remedy(for path: String) -> String {
        let model = search.method.models.first { path.hasPrefix("levels/\($0.id)/") }
        let setting = model?.setting ?? "optimizers.architecture"
        return "lower \(setting).rate, or what the model begins with, and begin anew"
    }
}

extension SearchEpoch {
    /// What a space tells of A.
    fileprivate init(number: Int, of architecture: [Tensor], in space: any SearchSpace) throws {
        self.init(
            number: number, signs: try space.signs(of: architecture),
            rankings: try space.rankings(of: architecture))
    }
}

extension SearchSpace {
    /// Writes what else A can be read as.
    fileprivate func writeAlternatives(of architecture: [Tensor], to files: EpochFiles) throws {
        for (name, genotype) in try alternatives(of: architecture) {
            try files.write(genotype, alternative: name)
        }
    }
}

/// One of the times that a space is searched, each narrower than the one before.
private struct SearchStage {
    /// From 0.
    let index: Int
    let search: ArchitectureSearch

    var space: any SearchSpace { search.space }
}

/// What to say where a loss has become much worse than a guess's; `nil` where it has not.
func grown(_ loss: Double, classes: Int, _ setting: String) -> String? {
    let guess = log(Double(classes))
    guard !(loss <= 10 * guess) else { return nil }
    return
        "the loss has grown to \(rounded(loss)), where a guess has \(rounded(guess)): what was found means nothing. "
        + "Lower \(setting), and begin anew"
}
