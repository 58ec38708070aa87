import Datasets
import ErrataCore
import NeuralNetworks
import TensorEngine

/// The training from scratch, and the test, of a genotype.
public struct EvaluationTask: RunTask {
    public static let kind = RunKind.evaluation

    public let experiment: Experiment
    public let data: DataDigest
    public let notices: [String]
    public let stepsPerEpoch: Int
    public private(set) var step = 0
    private let backend: any Backend
    private let genotype: any GenotypeRepresentable
    private let retraining: Retraining
    private let training, test: any BatchSource
    private var model: Model
    private var last: Performance?

    private var settings: EvaluationSettings { experiment.spec.evaluation }
    public var epochs: Int { settings.epochs }
    public var checkpointMinutes: Double { settings.checkpointMinutes }
    public var hasEndedEarly: Bool { false }

    /// An evaluation before its first step; all that it needs is built, and nothing is written.
    ///
    /// - Throws: `RunError`, `DatasetError`, and what the search space throws if it cannot build the network.
    public init(_ experiment: Experiment, genotype: any GenotypeRepresentable, on backend: any Backend) throws
    {
        self.experiment = experiment
        self.genotype = genotype
        self.backend = backend
        let data = try experiment.data()
        try Self.check(experiment, genotype, data)
        self.data = try DataDigest(of: [data.training, data.test])
        retraining = try experiment.retraining(genotype, for: data.images)
        let spec = experiment.spec.evaluation
        let normalization = try experiment.normalization(of: data.training)
        training = try Prefetcher(
            BatchLoader(
                data.training,
                .init(
                    batchSize: spec.batchSize, transforms: spec.transforms.map(\.product),
                    augmentation: spec.augmentation, mixing: spec.mixing, normalization: normalization,
                    dtype: experiment.dtype),
                on: backend, random: RandomStream(seed: experiment.seed, "evaluation batches")))
        test = try BatchLoader(
            data.test,
            .evaluation(batchSize: spec.batchSize, normalization: normalization, dtype: experiment.dtype),
            on: backend, random: RandomStream(seed: 0))
        let epoch = EpochLength(
            spec.stepsPerEpoch, of: training.batchesPerEpoch, "evaluation.steps_per_epoch",
            "the training images")
        stepsPerEpoch = epoch.steps
        model = try retraining.initialModel(on: backend, experiment.dtype)
        notices =
            data.notices + [epoch.notice].compactMap(\.self)
            + Provision.absentClasses(in: data.training, dividedInto: [])
            + [Provision(name: "the test part", images: data.test, settings: "data.test_limit").absentClasses]
            .compactMap(\.self)
    }

    /// What can be known of an evaluation before there is anything to train.
    ///
    /// - Throws: `RunError` or `SettingError` that names what of the spec cannot be carried out.
    static func check(_ experiment: Experiment, _ genotype: any GenotypeRepresentable, _ data: ImageData)
        throws
    {
        let spec = experiment.spec.evaluation
        let images = Provision(name: "the training part", images: data.training, settings: "data.limit")
        try images.requireBatch(of: spec.batchSize, "evaluation.batch_size")
        do { try spec.augmentation.requireFits(data.training) } catch {
            throw RunError("evaluation.augmentation: \(error)")
        }
        do { _ = try experiment.retraining(genotype, for: data.images) } catch let error as SettingError {
            throw error
        } catch {
            throw RunError("evaluation.network: \(error)")
        }
    }

    /// When a step is.
    private func time(of step: Int) -> TrainingTime {
        let (epoch, stepOfEpoch) = step.quotientAndRemainder(dividingBy: stepsPerEpoch)
        return TrainingTime(
            epoch: epoch, epochs: epochs, step: step, stepOfEpoch: stepOfEpoch, stepsPerEpoch: stepsPerEpoch)
    }

    public let stepColumns = ["loss", "accuracy", "learning_rate"]
    public let epochColumns = ["test_loss", "test_error"]
    public let classColumns = ["images", "loss", "error"]

    public mutating func takeStep() throws -> StepRow {
        let time = time(of: step)
        let (loss, accuracy) = try retraining.step(&model, on: training.batch(step: step), at: time)
        step += 1
        return StepRow(
            values: [
                "loss": loss, "accuracy": accuracy, "learning_rate": settings.weights.descent.rate(at: time),
            ], shown: [("loss", loss), ("accuracy", accuracy)])
    }

    public mutating func endEpoch(_ output: RunOutput) throws -> EpochRows {
        let performance = try measure()
        last = performance
        return EpochRows(
            values: ["test_loss": performance.loss, "test_error": performance.error],
            classes: performance.classes.map { found in
                var row = ["images": Double(found.count)]
                row["loss"] = found.loss
                row["error"] = found.accuracy.map { 1 - $0 }
                return row
            },
            line: "test error \(percent(performance.error)), loss \(rounded(performance.loss))")
    }

    private func measure() throws -> Performance {
        try retraining.performance(model, on: test, classes: data.classNames.count)
    }

    public mutating func result(_ output: RunOutput) throws -> EvaluationResult {
        let performance = try last ?? measure()
        let classes = data.classNames.count
        if let line = grown(performance.loss, classes: classes, "evaluation.weights.rate") {
            output.say(line)
        }
        var result = EvaluationResult()
        result.genotype = genotype.encoded
        result.parameters = model.layout.parameterCount
        result.testImages = performance.count
        result.testError = performance.error
        result.testLoss = performance.loss
        result.epochs = epochs
        result.classNames = data.classNames
        result.classErrors = performance.classes.map { $0.accuracy.map { 1 - $0 } }
        return result
    }

    public func store(in archive: inout Archive) throws {
        try archive.store(model, settings.weights.optimizer.product, at: "network")
        archive[attribute: "genotype"] = .text(YAMLWriter.text(genotype.encoded))
    }

    public mutating func restore(from archive: Archive) throws {
        let then = try YAMLReader.read(archive.text("genotype"), source: "genotype")
        let trained = try experiment.searchSpace.readGenotype(then)
        guard trained.encoded == genotype.encoded else {
            throw ArchiveError("it trains another genotype: \(trained)")
        }
        model = try archive.model(
            model, settings.weights.optimizer.product, at: "network", experiment.dtype, on: backend)
        step = try archive.integer("step")
    }

    public func remedy(for path: String) -> String { "lower evaluation.weights.rate, and begin anew" }
}
