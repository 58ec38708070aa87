import Datasets
import ErrataCore

/// What a YAML file says: everything that decides an experiment's result.
public struct ExperimentSpec: Configuration {
    public var name = "experiment"
    public var seed = 0
    public var precision = Precision.float32
    public var data = DataSettings()
    public var searchSpace = ComponentSelection("darts")
    public var generator = ComponentSelection("dcgan")
    public var weighter = ComponentSelection("validation-loss")
    public var hypergradient = ComponentSelection("first-order")
    public var learner = LearnerSettings()
    public var search = SearchSettings()
    public var evaluation = EvaluationSpec()

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("name", \.name, "what people call the experiment", .notEmpty),
            .init("seed", \.seed, "decides every random number", .atLeast(0)),
            .init("precision", \.precision, "of all arithmetic"),
            .init("data", \.data, "the images"),
            .init("search_space", \.searchSpace, "what is searched"),
            .init("generator", \.generator, "what makes synthetic images"),
            .init("weighter", \.weighter, "how mistakes become class weights"),
            .init("hypergradient", \.hypergradient, "how A's gradient is computed"),
            .init("learner", \.learner, "what one step of learning from mistakes is"),
            .init("search", \.search, "how long and on what batches the search runs"),
            .init("evaluation", \.evaluation, "how the found architecture is trained and tested"),
        ]
    }

    /// IEEE 754 single or double.
    public enum Precision: String, ConfigurationChoice { case float32, float64 }
}

/// Which images, and how they are divided.
public struct DataSettings: Configuration {
    public var set = ComponentSelection("fashion-mnist")
    public var trainingFraction = 0.5
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
                "limit", \.limit, "use so many training images only, chosen at random", ifGiven: .atLeast(2)),
            .init("test_limit", \.testLimit, "use so many test images only", ifGiven: .atLeast(1)),
        ]
    }
}

/// How long and on what batches the search runs.
public struct SearchSettings: Configuration {
    public var epochs = 50
    public var stepsPerEpoch: Int?
    public var batchSize = 64
    public var augmentation = Augmentation(cropPadding: 4, horizontalFlip: true)
    public var sampleColumns = 8
    public var checkpointMinutes = 5.0

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("epochs", \.epochs, "epochs of the search", .within(1...1_000_000)),
            .init(
                "steps_per_epoch", \.stepsPerEpoch, "steps of an epoch; all of D_tr where null",
                ifGiven: .atLeast(1)),
            .init("batch_size", \.batchSize, "images of a step, of D_tr and of D_val each", .atLeast(1)),
            .init("augmentation", \.augmentation, "how training images are varied"),
            .init(
                "sample_columns", \.sampleColumns, "generated images of each class in a sample grid",
                .within(1...64)),
            .init(
                "checkpoint_minutes", \.checkpointMinutes,
                "how often a checkpoint is written within an epoch; each epoch ends with one",
                .within(0...1_000_000)),
        ]
    }
}

/// How a found architecture is trained and tested.
public struct EvaluationSpec: Configuration {
    public var epochs = 600
    public var batchSize = 96
    public var stepsPerEpoch: Int?
    public var augmentation = Augmentation(cropPadding: 4, horizontalFlip: true, cutoutLength: 16)
    public var network = EvaluationSettings()
    public var checkpointMinutes = 5.0

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("epochs", \.epochs, "epochs of training", .within(1...1_000_000)),
            .init("batch_size", \.batchSize, "images of a step", .atLeast(1)),
            .init(
                "steps_per_epoch", \.stepsPerEpoch, "steps of an epoch; all training images where null",
                ifGiven: .atLeast(1)),
            .init("augmentation", \.augmentation, "how training images are varied"),
            .init("network", \.network, "the network and its regularisation"),
            .init(
                "checkpoint_minutes", \.checkpointMinutes,
                "how often a checkpoint is written within an epoch; each epoch ends with one",
                .within(0...1_000_000)),
        ]
    }
}
