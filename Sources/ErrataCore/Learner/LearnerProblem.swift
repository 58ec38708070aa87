import Datasets
import NeuralNetworks
import TensorEngine

/// One step of learning from mistakes as a multilevel problem: the objectives of Eq. 1 to 4 at given batches.
struct LearnerProblem: Sendable {
    private let learner: Learner
    private let state: LearnerState
    private let batches: Learner.Batches
    private let epoch: Int

    init(_ learner: Learner, _ state: LearnerState, _ batches: Learner.Batches, epoch: Int) {
        self.learner = learner
        self.state = state
        self.batches = batches
        self.epoch = epoch
    }

    private var settings: LearnerSettings { learner.settings }

    /// Whether W2 sees synthetic images in this step.
    private var usesSynthetic: Bool {
        settings.lfm && settings.lambda != 0 && epoch >= settings.generatorWarmup
    }

    var problem: MultilevelProblem {
        var stages: [MultilevelProblem.Stage] = []
        if settings.lfm {
            stages = [
                .level(Level([player("w1", weightOptimizer("w1"), [.architecture], firstClassifierLoss)])),
                .level(game),
                .derived(
                    Derived(
                        "class_weights", dependencies: [.architecture, "w1"],
                        isDifferentiable: learner.weighter.isDifferentiable, classWeights)),
            ]
        }
        let synthetic: [Dependency] = usesSynthetic ? ["class_weights", "generator"] : []
        let w2 = player("w2", weightOptimizer("w2"), [.architecture] + synthetic, secondClassifierLoss)
        stages.append(.level(Level([w2])))
        return MultilevelProblem(
            architecture: state.architecture.state.parameters, stages: stages,
            outer: Objective([.architecture, "w2"], validationLoss))
    }

    /// Eq. 2: H and G.
    private var game: Level {
        let architecture: [Dependency] =
            learner.generator.discriminator.dependsOnArchitecture ? [.architecture] : []
        return Level(
            [
                player(
                    "discriminator", adam("discriminator", settings.gan.discriminatorRate),
                    architecture + ["generator"], discriminatorLoss),
                player(
                    "generator", adam("generator", settings.gan.generatorRate),
                    architecture + ["discriminator"], generatorLoss),
            ], simultaneous: settings.ganUpdate == .simultaneous)
    }

    // MARK: Objectives

    /// L(A, W1, D_tr), Eq. 1.
    @Sendable private func firstClassifierLoss(_ point: Point, _ record: EvaluationRecord?) throws -> Tensor {
        try logits(batches.training.images, "w1", point, recordingTo: record).crossEntropy(
            batches.training.labels)
    }

    /// H's side of Eq. 2.
    @Sendable private func discriminatorLoss(_ point: Point, _ record: EvaluationRecord?) throws -> Tensor {
        let discriminator = learner.generator.discriminator
        let recorder = record.map { _ in StatisticsRecorder() }
        let context = context("discriminator", point, recorder)
        let generated = try generatedImages(point, "gan noise", nil)
        guard let real = batches.training.originals else {
            throw LearnerError("the training batch has no originals, which the discriminator is trained on")
        }
        defer { keep(recorder, "discriminator", record) }
        return try learner.generator.discriminatorLoss(
            AdversarialBatch(
                real: real, generated: generated, random: stream("discriminator loss", point)
            ) { images in
                try discriminator.scores(
                    images, labels: batches.training.labels, architecture: discriminated(point), context)
            })
    }

    /// G's side of Eq. 2.
    @Sendable private func generatorLoss(_ point: Point, _ record: EvaluationRecord?) throws -> Tensor {
        let recorder = record.map { _ in StatisticsRecorder() }
        let generated = try generatedImages(point, "gan noise", recorder)
        keep(recorder, "generator", record)
        let scores = try learner.generator.discriminator.scores(
            generated, labels: batches.training.labels, architecture: discriminated(point),
            context("discriminator", point, nil))
        return try learner.generator.generatorLoss(generated: scores)
    }

    /// L(A, W2, D_tr) + λ Σ_c l_c(A, W1′, D_val) Σ_m L(A, W2, x̂_cm, c), Eq. 3 and 9.
    @Sendable private func secondClassifierLoss(_ point: Point, _ record: EvaluationRecord?) throws -> Tensor
    {
        var loss: Tensor?
        if !(settings.syntheticOnly && usesSynthetic) {
            let logits = try logits(batches.training.images, "w2", point, recordingTo: record)
            record?.metrics["training_accuracy"] = try accuracy(logits, batches.training.labels)
            loss = try logits.crossEntropy(batches.training.labels)
        }
        if usesSynthetic {
            let synthetic = try syntheticLoss(point, settings.syntheticOnly ? record : nil)
            loss = try loss.map { try $0 + synthetic * settings.lambda } ?? synthetic * settings.lambda
        }
        return loss!
    }

    /// L(A, W2′, D_val), Eq. 4.
    @Sendable private func validationLoss(_ point: Point, _ record: EvaluationRecord?) throws -> Tensor {
        let logits = try logits(batches.validation.images, "w2", point, recordingTo: nil)
        record?.metrics["validation_accuracy"] = try accuracy(logits, batches.validation.labels)
        return try logits.crossEntropy(batches.validation.labels)
    }

    /// l_c(A, W1′, D_val) for each class.
    @Sendable private func classWeights(_ point: Point, _ record: EvaluationRecord?) throws -> [Tensor] {
        var context = context("w1", point, nil)
        if settings.weightingPass == .eval {
            context = ForwardContext(
                ModelState(
                    parameters: point["w1"],
                    statistics: point.statistics["w1"] ?? state.players["w1"]!.state.statistics),
                normalization: .running)
        }
        let losses = try learner.supernet.logits(
            batches.weighting.images, architecture: point.architecture, context
        ).crossEntropies(batches.weighting.labels)
        let performance = try ClassPerformance(
            losses: losses, labels: batches.weighting.labels, classes: learner.images.classes)
        let weights = try learner.weighter.weights(performance, estimates: state.estimates)
        record?.tensors["class_losses"] = performance.losses.detached
        record?.counts["class_losses"] = performance.counts
        record?.tensors["class_weights"] = weights.detached
        return [weights]
    }

    /// Σ_m l_{c_m}·L(A, W2, x̂_m, c_m) over a batch of generated images, or its mean.
    private func syntheticLoss(_ point: Point, _ record: EvaluationRecord?) throws -> Tensor {
        let labels = batches.training.labels
        var images = try learner.range(generatedImages(point, "synthetic noise", nil))
        if settings.augmentSynthetic {
            let black = try learner.range(images.backend.full(-1, [images.shape[3]], images.dtype))
            images = try learner.augmentation.applied(
                to: images, black: black, random: stream("synthetic augmentation", point))
        }
        let losses = try logits(images, "w2", point, recordingTo: record).crossEntropies(labels)
        let weight = try point["class_weights"][0].reshaped(to: [-1, 1]).rows(at: labels).reshaped(to: [-1])
        let total = try (weight * losses).sum()
        return settings.syntheticSum == .sum ? total : try total / Double(labels.count)
    }

    // MARK: -

    private func logits(
        _ images: Tensor, _ player: String, _ point: Point, recordingTo record: EvaluationRecord?
    )
        throws -> Tensor
    {
        let recorder = record.map { _ in StatisticsRecorder() }
        let result = try learner.supernet.logits(
            images, architecture: point.architecture, context(player, point, recorder))
        keep(recorder, player, record)
        return result
    }

    private func generatedImages(_ point: Point, _ label: String, _ recorder: StatisticsRecorder?) throws
        -> Tensor
    {
        let labels = batches.training.labels
        let noise = try learner.generator.noise(
            labels.count, batches.training.images.dtype, on: labels.backend,
            from: stream(label, point))
        return try learner.generator.images(
            noise: noise, labels: labels, context("generator", point, recorder))
    }

    /// The architecture that the discriminator is given.
    private func discriminated(_ point: Point) -> [Tensor] {
        learner.generator.discriminator.dependsOnArchitecture
            ? point.architecture : state.architecture.state.parameters
    }

    private func accuracy(_ logits: Tensor, _ labels: Tensor) throws -> Double {
        Double(try logits.detached.correctCount(labels)) / Double(labels.count)
    }

    /// A player's model at a point, as it is trained.
    private func context(_ name: String, _ point: Point, _ recorder: StatisticsRecorder?) -> ForwardContext {
        ForwardContext(
            ModelState(parameters: point[name], statistics: state.players[name]!.state.statistics),
            random: stream("\(name) masks", point), recorder: recorder, checkpointing: point.checkpointing)
    }

    private func keep(_ recorder: StatisticsRecorder?, _ name: String, _ record: EvaluationRecord?) {
        guard let recorder else { return }
        record?.statistics[name] = recorder.updated(state.players[name]!.state.statistics)
    }

    /// The random numbers of this step, and of a level's step within it, for one purpose.
    private func stream(_ label: String, _ point: Point) -> RandomStream {
        let stream = RandomStream(seed: learner.seed, label, step: UInt64(state.step))
        return point.innerStep == 0 ? stream : stream.derived(UInt64(point.innerStep))
    }

    private func player(
        _ name: String, _ optimizer: InnerOptimizer, _ dependencies: [Dependency],
        _ objective: @escaping Objective.Function
    ) -> Player {
        Player(
            name: name, parameters: state.players[name]!.state.parameters, optimizer: optimizer,
            dependencies: dependencies, objective: objective)
    }

    private func weightOptimizer(_ name: String) -> InnerOptimizer {
        InnerOptimizer(
            state.players[name]!.rule, rate: learner.rate(epoch: epoch), clip: settings.weights.clip)
    }

    private func adam(_ name: String, _ rate: Double) -> InnerOptimizer {
        InnerOptimizer(state.players[name]!.rule, rate: rate)
    }
}
