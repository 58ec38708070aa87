import ErrataCore
import NeuralNetworks

/// What one step of learning from mistakes is. The paper leaves most of these open; docs/mathematics.md says
/// what each choice means.
public struct LFMSettings: Configuration {
    public var lambda = 1.0
    public var lambdaSchedule = Choice<ScheduleKind>("constant", ConstantSchedule())
    public var syntheticOnly = false
    public var syntheticSum = BatchReduction.mean
    public var syntheticGenerator = GeneratorWeights.current
    public var augmentSynthetic = false
    public var validationBatches = ValidationBatches.shared
    public var weightingPass = WeightingPass.train
    public var estimateMomentum = 0.9
    public var generatorWarmup = 0
    public var generatorBetweenStages = StageTransition.kept
    public var order = UpdateOrder.weightsFirst
    public var steps = LevelSteps()
    public var stepBatches = LevelBatches.fresh

    public init() {}

    /// What becomes of a batch's losses.
    public enum BatchReduction: String, ConfigurationChoice { case mean, sum }
    /// Whether synthetic images are made by G or by the moving average of its weights.
    public enum GeneratorWeights: String, ConfigurationChoice { case current, average }
    /// Whether two losses are taken on one validation batch.
    public enum ValidationBatches: String, ConfigurationChoice { case shared, separate }
    /// Whether a model goes on in a search's next stage or begins anew.
    public enum StageTransition: String, ConfigurationChoice { case kept, fresh }
    /// Whose statistics batch norm takes: the batch's (`train`) or running ones (`eval`).
    public enum WeightingPass: String, ConfigurationChoice { case train, eval }

    /// How many steps each level takes before A's.
    public struct LevelSteps: Configuration {
        public var w1 = 1
        public var game = 1
        public var w2 = 1

        public init() {}

        public static var fields: [ConfigurationField<Self>] {
            [
                .init("w1", \.w1, "of W1", .within(1...1000)),
                .init("game", \.game, "of G and H", .within(1...1000)),
                .init("w2", \.w2, "of W2", .within(1...1000)),
            ]
        }
    }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "lambda", \.lambda,
                "λ, the weight of synthetic images (Eq. 3); at 0 A's trajectory is the plain search's",
                .atLeast(0)),
            .init(
                "lambda_schedule", \.lambdaSchedule,
                "how λ changes over a stage's epochs; where it is 0 W2 sees no synthetic image"),
            .init("synthetic_only", \.syntheticOnly, "W2 learns from synthetic images alone"),
            .init(
                "synthetic_sum", \.syntheticSum, "whether a batch's synthetic losses are averaged or added"),
            .init(
                "synthetic_generator", \.syntheticGenerator,
                "whose weights make synthetic images: G's, or their moving average (generator.training.average)"
            ),
            .init("augment_synthetic", \.augmentSynthetic, "augment synthetic images as real ones are"),
            .init(
                "validation_batches", \.validationBatches,
                "whether the class weights and A's loss share a validation batch"),
            .init(
                "weighting_pass", \.weightingPass,
                "batch norm in the class weights' pass: the batch's statistics or running ones"),
            .init(
                "estimate_momentum", \.estimateMomentum,
                "the weight of the old value in the running mean of each class's measure", .within(0..<1)),
            .init(
                "generator_warmup", \.generatorWarmup,
                "epochs of a stage before W2 sees synthetic images, while G and H train", .atLeast(0)),
            .init(
                "generator_between_stages", \.generatorBetweenStages,
                "whether G, and H where it does not depend on A, go on in a search's next stage or begin anew"
            ),
            .init("order", \.order, "whether the weights or A step first"),
            .init("steps", \.steps, "how many steps each level takes before A's"),
            .init("step_batches", \.stepBatches, "whether each step of a level has a batch of its own"),
        ]
    }

    public func validate() throws {
        try lambdaSchedule.product.validate(from: lambda)
        guard !syntheticOnly || lambda > 0 else {
            throw SearchError("synthetic_only needs a lambda > 0: W2 would learn from nothing")
        }
    }
}
