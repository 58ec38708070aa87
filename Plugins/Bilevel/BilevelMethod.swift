import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// The plain search, which learning from mistakes is compared with: W descends the training loss, A the validation
/// loss at the weights that W steps to (DARTS, Eq. 3 and 4).
///
/// Its weights are called `w2`, as those that the paper's method judges A by: with λ = 0 the two are the same to the
/// last bit.
public struct BilevelMethod: SearchMethod {
    private let settings: BilevelSettings
    private let supernet: any Supernet
    private let weights: Descent

    public init(_ settings: BilevelSettings, supernet: any Supernet, weights: Descent) {
        self.settings = settings
        self.supernet = supernet
        self.weights = weights
    }

    private static let w: ValueID = "w2"

    public var order: UpdateOrder { settings.order }
    public var classifiers: [ValueID] { [Self.w] }
    public var occurrences: [String] { [MultilevelProblem.directPath, Self.w.name] }

    public var models: [ModelDeclaration] {
        [ModelDeclaration(Self.w, layout: supernet.layout, descent: weights, setting: "optimizers.weights")]
    }

    public var batches: [BatchRequest] {
        [
            BatchRequest("training", of: .training, count: settings.batches, isAugmented: true),
            BatchRequest("validation", of: .validation),
        ]
    }

    public var metrics: [MetricDeclaration] {
        [
            MetricDeclaration("training_accuracy", "of W on its batch of D_tr"),
            MetricDeclaration("validation_accuracy", "of W on the batch of D_val that A descends"),
        ]
    }

    public func problem(of step: SearchStep) throws -> MultilevelProblem {
        let w = step.player(models[0], dependencies: [.architecture]) { values in
            let batch = settings.batches > 1 ? values.occasion.levelStep : 0
            return try step.crossEntropy(
                of: supernet, Self.w, on: step.batches["training"][batch], values, keepsBuffers: true,
                accuracy: "training_accuracy")
        }
        return step.problem(
            [.level(Level([w], steps: settings.steps))],
            outer: Objective([.architecture, .value(Self.w)]) { values in
                try step.crossEntropy(
                    of: supernet, Self.w, on: step.batches["validation"][0], values, keepsBuffers: false,
                    accuracy: "validation_accuracy")
            })
    }
}

/// What one step of the plain search is.
public struct BilevelSettings: Configuration {
    public var order = UpdateOrder.weightsFirst
    public var steps = 1
    public var stepBatches = LevelBatches.fresh

    public init() {}


    public static var fields: [ConfigurationField<Self>] {
        [
            .init("order", \.order, "whether the weights or A step first (DARTS's code: architecture-first)"),
            .init("steps", \.steps, "steps of the weights before A's", .within(1...1000)),
            .init("step_batches", \.stepBatches, "whether each step of the weights has a batch of its own"),
        ]
    }

    /// How many batches of D_tr a step takes.
    var batches: Int { stepBatches == .fresh ? steps : 1 }
}

/// Adds the method `bilevel`.
public struct BilevelPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.methods.add(
            .init(
                "bilevel", "the plain search, without learning from mistakes (DARTS)",
                configuration: BilevelSettings.self
            ) { BilevelMethod($0, supernet: $1.supernet, weights: $1.weights) })
    }
}
