import Datasets
import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

extension ValueID {
    /// The first classifier's weights, which the test of Eq. 3 is taken with.
    public static let w1: ValueID = "w1"
    /// The second classifier's, which learn from the mistakes.
    public static let w2: ValueID = "w2"
    /// G.
    public static let generator: ValueID = "generator"
    /// H.
    public static let discriminator: ValueID = "discriminator"
    /// l_c(A, W1′, D_val) by class.
    public static let classWeights: ValueID = "class_weights"
}

/// Learning from mistakes by class weighting: Algorithm 1.
public struct LFMMethod: SearchMethod {
    let settings: LFMSettings
    let images: ImageSpecification
    let trainingCounts: [Int]
    let supernet: any Supernet
    let generator: any ConditionalGenerator
    let weighter: any ClassWeighter
    let fromTanh: ChannelMap
    let augmentation: Augmentation
    private let weights: Descent

    /// - Throws: `SearchError` if synthetic images are to come from an average that the generator does not keep; what
    ///   the generator and the weighter throw if they do not fit the images.
    public init(_ settings: LFMSettings, _ context: MethodContext) throws {
        self.settings = settings
        images = context.images
        trainingCounts = context.trainingCounts
        supernet = context.supernet
        weights = context.weights
        fromTanh = context.fromTanh
        augmentation = context.augmentation
        generator = try context.makeGenerator()
        weighter = try context.makeWeighter()
        guard settings.syntheticGenerator == .current || generator.training.average != nil else {
            throw SearchError(
                "method.synthetic_generator is average, but no average is kept: set generator.training.average"
            )
        }
    }

    public var order: UpdateOrder { settings.order }
    public var classifiers: [ValueID] { [.w1, .w2] }

    public var models: [ModelDeclaration] {
        let training = generator.training
        let isKept = settings.generatorBetweenStages == .kept
        return [
            ModelDeclaration(
                .w1, layout: supernet.layout, descent: weights, setting: "optimizers.weights"),
            ModelDeclaration(
                .generator, layout: generator.layout, descent: training.generator,
                setting: "generator.training.generator", average: training.average,
                survivesStages: isKept),
            ModelDeclaration(
                .discriminator, layout: generator.discriminator.layout, descent: training.discriminator,
                setting: "generator.training.discriminator",
                survivesStages: isKept && !generator.discriminator.dependsOnArchitecture),
            ModelDeclaration(
                .w2, layout: supernet.layout, descent: weights, setting: "optimizers.weights"),
        ]
    }

    public var metrics: [MetricDeclaration] {
        [
            MetricDeclaration("training_accuracy", "of W2 on its batch of D_tr"),
            MetricDeclaration("validation_accuracy", "of W2′ on the batch of D_val that A descends"),
        ] + generator.metrics
    }

    /// Those through which something can flow to A.
    public var occurrences: [String] {
        var found = [MultilevelProblem.directPath, "w2"]
        guard settings.lambda != 0 else { return found }
        if weighter.isDifferentiable { found += ["class_weights", "w1"] }
        // Through H′ nothing flows where G and H step once from the same point, but for implicit hypergradients.
        if generator.discriminator.dependsOnArchitecture { found += ["generator", "discriminator"] }
        return found
    }

    // MARK: Batches

    /// How many batches of D_tr the classifiers, and the game, take in a step.
    private var trainingBatches: Int {
        settings.stepBatches == .fresh ? max(settings.steps.w1, settings.steps.w2) : 1
    }
    private var gameBatches: Int {
        let training = generator.training
        return training.criticSteps * training.accumulation
            * (settings.stepBatches == .fresh ? settings.steps.game : 1)
    }

    /// Whether the game plays with the classifiers' batches.
    private var gameShares: Bool { gameBatches <= trainingBatches }

    public var batches: [BatchRequest] {
        var requests = [
            BatchRequest(
                "training", of: .training, count: trainingBatches, includesOriginals: gameShares,
                isAugmented: true),
            BatchRequest("validation", of: .validation),
        ]
        if !gameShares {
            requests.append(
                BatchRequest("game", of: .training, count: gameBatches, includesOriginals: true))
        }
        if settings.validationBatches == .separate {
            requests.append(BatchRequest("weighting", of: .validation))
        }
        return requests
    }

    /// The batch of D_tr that a classifier learns from.
    func trainingBatch(_ step: SearchStep, _ occasion: Occasion) -> Batch {
        step.batches["training"][settings.stepBatches == .fresh ? occasion.levelStep : 0]
    }

    /// The batch that a player of the game is given.
    func gameBatch(_ step: SearchStep, _ occasion: Occasion) -> Batch {
        var occasion = occasion
        if settings.stepBatches == .shared { occasion.levelStep = 0 }
        let training = generator.training
        return step.batches[gameShares ? "training" : "game"][
            occasion.index(steps: training.criticSteps, accumulation: training.accumulation)]
    }

    func weightingBatch(_ step: SearchStep) -> Batch {
        step.batches[settings.validationBatches == .shared ? "validation" : "weighting"][0]
    }

    // MARK: Memory

    public var initialMemory: Memory {
        var memory = Memory()
        memory[Self.estimates] = .init(repeating: 0, count: images.classes)
        memory[Self.seen] = memory[Self.estimates]
        reset(&memory)
        return memory
    }

    private static let estimates = "class_estimates/values"
    private static let seen = "class_estimates/seen"
    private static let weightSums = "epoch/class_weight_sums"
    private static let weightCount = "epoch/class_weight_count"
    private static let lossSums = "epoch/class_loss_sums"
    private static let lossCounts = "epoch/class_loss_counts"

    private func reset(_ memory: inout Memory) {
        for name in [Self.weightSums, Self.lossSums, Self.lossCounts] {
            memory[name] = .init(repeating: 0, count: images.classes)
        }
        memory[Self.weightCount] = [0]
    }

    /// The running mean of each class's measure.
    func estimates(_ memory: Memory) -> ClassEstimates {
        var estimates = ClassEstimates(classes: images.classes)
        estimates.values = memory[Self.estimates]
        estimates.seen = memory[Self.seen].map { $0 != 0 }
        return estimates
    }

    public func absorb(_ outcome: StepOutcome, into memory: inout Memory) throws {
        // The sums of the last epoch stay for its report.
        if outcome.time.stepOfEpoch == 0 { reset(&memory) }
        guard let extras = outcome.observations[.classWeights]?.extras,
            let losses = try extras["class_losses"]?.doubles(),
            let measures = try extras["class_measures"]?.doubles(),
            let counts = try extras["class_counts"]?.doubles(),
            let weights = try extras["class_weights"]?.doubles()
        else { return }
        var estimates = estimates(memory)
        estimates.update(
            measures, counts: counts.map { Int($0) }, momentum: settings.estimateMomentum)
        memory[Self.estimates] = estimates.values
        memory[Self.seen] = estimates.seen.map { $0 ? 1 : 0 }
        for index in weights.indices {
            memory.vectors[Self.weightSums]![index] += weights[index]
            guard counts[index] > 0 else { continue }
            memory.vectors[Self.lossSums]![index] += losses[index]
            memory.vectors[Self.lossCounts]![index] += 1
        }
        memory.vectors[Self.weightCount]![0] += 1
    }

    public func classMetrics(_ memory: Memory) -> [ClassMetric] {
        let count = memory[Self.weightCount][0]
        return [
            ClassMetric("weight", memory[Self.weightSums].map { count > 0 ? $0 / count : nil }),
            ClassMetric(
                "w1_batch_loss",
                zip(memory[Self.lossSums], memory[Self.lossCounts]).map { $1 > 0 ? $0 / $1 : nil }),
        ]
    }

    // MARK: Pictures

    public func samples(_ state: SearchState, columns: Int, seed: UInt64) throws -> Tensor? {
        let model = state[.generator]
        guard let first = model.state.parameters.first else { return nil }
        var values = model.state
        if settings.syntheticGenerator == .average, let average = model.average {
            values.parameters = average
        }
        let count = images.classes * columns
        let labels = try first.backend.tensor((0..<count).map { Int32($0 / columns) }, [count])
        let noise = try generator.noise(
            count, first.dtype, on: first.backend, from: RandomStream(seed: seed, "samples"))
        return try generator.images(noise: noise, labels: labels, ForwardContext(values))
    }

    public func problem(of step: SearchStep) throws -> MultilevelProblem { LFMProblem(self, step).problem }
}
