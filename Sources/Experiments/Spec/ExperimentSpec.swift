import Datasets
import ErrataCore
import NeuralNetworks

/// What a YAML file says: everything that decides an experiment's result.
public struct ExperimentSpec: Configuration {
    public var name = "experiment"
    public var seed = 0
    public var precision = Precision.float32
    public var data = DataSettings()
    public var searchSpace = ComponentSelection("")
    public var method = ComponentSelection("")
    public var generator: ComponentSelection?
    public var weighter: ComponentSelection?
    public var hypergradient = ComponentSelection("")
    public var optimizers = OptimizerSettings()
    public var search = SearchSettings()
    public var evaluation = EvaluationSettings()

    /// No component is chosen.
    public init() {}

    /// Every default, components included.
    public init(_ defaults: ComponentDefaults) {
        data.set = ComponentSelection(defaults.dataset)
        searchSpace = ComponentSelection(defaults.searchSpace)
        method = ComponentSelection(defaults.method)
        generator = defaults.generator.map { ComponentSelection($0) }
        weighter = defaults.weighter.map { ComponentSelection($0) }
        hypergradient = ComponentSelection(defaults.hypergradient)
    }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("name", \.name, "what people call the experiment", .notEmpty),
            .init("seed", \.seed, "decides every random number", .atLeast(0)),
            .init("precision", \.precision, "of all arithmetic"),
            .init("data", \.data, "the images"),
            .init("search_space", \.searchSpace, "what is searched"),
            .init("method", \.method, "what a search learns, and from what"),
            .init("generator", \.generator, "what makes synthetic images, where the method has any"),
            .init("weighter", \.weighter, "how mistakes become class weights, where the method has any"),
            .init("hypergradient", \.hypergradient, "how A's gradient is computed"),
            .init("optimizers", \.optimizers, "how the search's classifiers and A descend"),
            .init("search", \.search, "how long and on what batches the search runs"),
            .init("evaluation", \.evaluation, "how the found architecture is trained and tested"),
        ]
    }

    /// IEEE 754 single or double.
    public enum Precision: String, ConfigurationChoice { case float32, float64 }
}

/// Which images, and how they are divided.
public struct DataSettings: Configuration {
    public var set = ComponentSelection("")
    public var trainingFraction = 0.5
    public var split = Split.Method.automatic
    public var normalization: NormalizationSettings?
    public var longTail: LongTailSettings?
    public var limit: Int?
    public var testLimit: Int?

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("set", \.set, "the data set"),
            .init(
                "training_fraction", \.trainingFraction,
                "the part of the training images that is D_tr in the search; the rest is D_val",
                .init("between 0 and 1") { $0 > 0 && $0 < 1 }),
            .init(
                "split", \.split,
                "how D_tr is chosen: at random, the same part of every class, or the latter where a class has fewer than "
                    + "\(Split.automaticLimit) images"),
            .init(
                "normalization", \.normalization,
                "each channel's mean and deviation, where black is 0 and white 1; measured where null"),
            .init(
                "long_tail", \.longTail,
                "make the training images long-tailed; as many as there are where null"),
            .init(
                "limit", \.limit, "use so many training images only, chosen at random", ifGiven: .atLeast(2)),
            .init("test_limit", \.testLimit, "use so many test images only", ifGiven: .atLeast(1)),
        ]
    }
}

extension Split.Method: ConfigurationChoice {}

/// What pixels are normalised by, where it is not measured.
public struct NormalizationSettings: Configuration {
    public var mean: [Double] = []
    public var deviation: [Double] = []

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("mean", \.mean, "of each channel", each: .within(0...1), .notEmpty),
            .init("deviation", \.deviation, "of each channel", each: .above(0), .notEmpty),
        ]
    }

    public func validate() throws { _ = try PixelNormalization(mean: mean, deviation: deviation) }
}

/// Ever fewer training images from class to class, in the order of the labels.
public struct LongTailSettings: Configuration {
    public var ratio = 100.0
    public var kind = LongTailKind.exponential

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "ratio", \.ratio, "how many times more of its images the first class keeps than the last",
                .atLeast(1)),
            .init(
                "kind", \.kind,
                "geometrically fewer from class to class (Cui et al., 2019), or all of the first half and the least "
                    + "of the others"),
        ]
    }
}

extension LongTailKind: ConfigurationChoice {}

/// How the models of a search descend (DARTS, section 3.1).
public struct OptimizerSettings: Configuration {
    public var weights = DescentSettings()
    public var architecture = DescentSettings.architecture

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("weights", \.weights, "the classifiers' weights"),
            .init("architecture", \.architecture, "the architecture A"),
        ]
    }
}

/// How long and on what batches the search runs.
public struct SearchSettings: Configuration {
    public var epochs = 50
    public var stepsPerEpoch: Int?
    public var batchSize = 64
    public var transforms: [Choice<TransformKind>] = []
    public var augmentation = Augmentation(cropPadding: 4, horizontalFlip: true)
    public var architectureWarmup = 0
    public var earlyStopping: Choice<EarlyStoppingKind>?
    public var hessianEigenvalue = false
    public var sampleColumns = 8
    public var checkpointMinutes = 5.0

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("epochs", \.epochs, "epochs of each stage of the search", .within(1...1_000_000)),
            .stepsPerEpoch(\.stepsPerEpoch, of: "D_tr"),
            .init(
                "batch_size", \.batchSize, "images of a step, of D_tr and of D_val each",
                .within(1...1_000_000)),
            .transforms(\.transforms),
            .init("augmentation", \.augmentation, "how training images are varied"),
            .init(
                "architecture_warmup", \.architectureWarmup, "epochs of each stage before A steps",
                .atLeast(0)),
            .init("early_stopping", \.earlyStopping, "what may end the search before its last epoch"),
            .init(
                "hessian_eigenvalue", \.hessianEigenvalue,
                "measure the dominant eigenvalue of ∇²L_val(A) at each epoch's end (Zela et al., 2020)"),
            .init(
                "sample_columns", \.sampleColumns, "generated images of each class in a sample grid",
                .within(1...64)),
            .checkpointMinutes(\.checkpointMinutes),
        ]
    }

    public func validate() throws {
        guard architectureWarmup < epochs else {
            throw RunError(
                "architecture_warmup is \(architectureWarmup), expected fewer than the \(epochs) epochs: A would "
                    + "never step")
        }
    }
}

/// How a found architecture is trained and tested (DARTS, section 3.2).
public struct EvaluationSettings: Configuration {
    public var epochs = 600
    public var batchSize = 96
    public var stepsPerEpoch: Int?
    public var transforms: [Choice<TransformKind>] = []
    public var augmentation = Augmentation(cropPadding: 4, horizontalFlip: true, cutoutLength: 16)
    public var mixing = BatchMixing()
    public var labelSmoothing = 0.0
    public var weights = DescentSettings(
        rate: 0.025, .init("sgd", SGD(momentum: 0.9, weightDecay: 3e-4)),
        schedule: .init("cosine", CosineSchedule(minimum: 0)), clip: 5)
    /// The search space's own `NetworkSettings`.
    public var network = ConfigurationValue.mapping([])
    public var checkpointMinutes = 5.0

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("epochs", \.epochs, "epochs of training", .within(1...1_000_000)),
            .init("batch_size", \.batchSize, "images of a step", .within(1...1_000_000)),
            .stepsPerEpoch(\.stepsPerEpoch, of: "the training images"),
            .transforms(\.transforms),
            .init("augmentation", \.augmentation, "how training images are varied"),
            .init(
                "mixing", \.mixing, "how training images are mixed with others of the batch, and their labels"
            ),
            .init("label_smoothing", \.labelSmoothing, "ε of (1 − ε)·one-hot + ε/classes", .within(0..<1)),
            .init("weights", \.weights, "how the weights descend"),
            .init("network", \.network, "the network: settings of the search space's own"),
            .checkpointMinutes(\.checkpointMinutes),
        ]
    }
}

extension ConfigurationField {
    fileprivate static func transforms(
        _ path: any WritableKeyPath<Root, [Choice<TransformKind>]> & Sendable
    ) -> Self {
        .init(
            "transforms", path,
            "what training images go through before the augmentation, one after another: `- color-jitter`")
    }

    fileprivate static func stepsPerEpoch(
        _ path: any WritableKeyPath<Root, Int?> & Sendable, of part: String
    ) -> Self {
        .init(
            "steps_per_epoch", path, "steps of an epoch; all of \(part) where null",
            ifGiven: .within(1...1_000_000_000))
    }

    fileprivate static func checkpointMinutes(_ path: any WritableKeyPath<Root, Double> & Sendable) -> Self {
        .init(
            "checkpoint_minutes", path,
            "how often a checkpoint is written within an epoch; each epoch ends with one",
            .within(0...1_000_000))
    }
}
