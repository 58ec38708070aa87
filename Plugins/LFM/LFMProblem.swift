import Datasets
import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// One step of learning from mistakes: the objectives of Eq. 1 to 4 at given batches.
struct LFMProblem: Sendable {
    private let method: LFMMethod
    private let step: SearchStep

    init(_ method: LFMMethod, _ step: SearchStep) {
        self.method = method
        self.step = step
    }

    private var settings: LFMSettings { method.settings }
    private var discriminator: any Discriminator { method.generator.discriminator }

    /// Algorithm 1: W1, then G and H, then W2 from what W1 got wrong, then A.
    var problem: MultilevelProblem {
        step.problem(
            [
                .level(Level([player(.w1, [.architecture], firstClassifierLoss)], steps: settings.steps.w1)),
                .level(game),
                .coupling(
                    Coupling(
                        .classWeights, dependencies: [.architecture, .value(.w1)],
                        isDifferentiable: method.weighter.isDifferentiable, classWeights)),
                .level(
                    Level(
                        [
                            player(
                                .w2,
                                [.architecture]
                                    + (usesSynthetic ? [.value(.classWeights), .value(painter)] : []),
                                secondClassifierLoss)
                        ], steps: settings.steps.w2)),
            ], outer: Objective([.architecture, .value(.w2)], validationLoss))
    }

    /// Eq. 2.
    private var game: Level {
        let training = method.generator.training
        let architecture: [Dependency] = discriminator.dependsOnArchitecture ? [.architecture] : []
        return Level(
            [
                player(
                    .discriminator, architecture + [.value(.generator)], steps: training.criticSteps,
                    accumulation: training.accumulation, discriminatorLoss),
                player(
                    .generator, architecture + [.value(.discriminator)],
                    accumulation: training.accumulation, generatorLoss),
            ], isSimultaneous: training.isSimultaneous, steps: settings.steps.game)
    }

    /// Whether W2 sees synthetic images in this step.
    private var usesSynthetic: Bool { lambda != 0 && step.time.epoch >= settings.generatorWarmup }

    /// λ at this step.
    private var lambda: Double {
        settings.lambdaSchedule.product.rate(from: settings.lambda, at: step.time)
    }

    /// Whose weights make synthetic images.
    private var painter: ValueID {
        settings.syntheticGenerator == .average
            ? ModelDeclaration.averageID(of: .generator) : .generator
    }

    private func player(
        _ id: ValueID, _ dependencies: [Dependency], steps: Int = 1, accumulation: Int = 1,
        _ objective: @escaping Objective.Function
    ) -> Player {
        let declaration = method.models.first { $0.id == id }!
        return step.player(
            declaration, steps: steps, accumulation: accumulation, dependencies: dependencies,
            objective: objective)
    }

    // MARK: Objectives

    /// L(A, W1, D_tr), Eq. 1.
    @Sendable private func firstClassifierLoss(_ values: Values) throws -> Evaluation {
        try step.crossEntropy(
            of: method.supernet, .w1, on: method.trainingBatch(step, values.occasion), values,
            keepsBuffers: true)
    }

    /// H's side of Eq. 2.
    @Sendable private func discriminatorLoss(_ values: Values) throws -> Evaluation {
        let updates = BufferUpdates()
        let batch = method.gameBatch(step, values.occasion)
        let generated = try images(of: .generator, batch.labels, "gan noise", values)
        var result = try method.generator.discriminatorLoss(
            game(batch, generated: generated, values, updates: updates))
        result.updates[.discriminator] = updates
        return result
    }

    /// G's side of Eq. 2.
    @Sendable private func generatorLoss(_ values: Values) throws -> Evaluation {
        let updates = BufferUpdates()
        let batch = method.gameBatch(step, values.occasion)
        let generated = try images(of: .generator, batch.labels, "gan noise", values, updates: updates)
        var result = try method.generator.generatorLoss(
            game(batch, generated: generated, values, updates: BufferUpdates()))
        result.updates[.generator] = updates
        return result
    }

    private func game(
        _ batch: Batch, generated: Tensor, _ values: Values, updates: BufferUpdates
    ) throws -> AdversarialGame {
        guard let real = batch.originals else {
            throw SearchError("the training batch has no originals, which the discriminator is trained on")
        }
        let context = step.context(.discriminator, values, updates: updates)
        var runningContext = step.context(.discriminator, values)
        runningContext.normalization = .running
        // A discriminator of its own is no function of A, and does not name it among what it depends on.
        let architecture =
            discriminator.dependsOnArchitecture
            ? values.architecture : step.state.architecture.state.parameters
        return AdversarialGame(
            real: real, generated: generated, labels: batch.labels,
            random: step.random("discriminator loss", on: values.occasion), generator: values[.generator],
            discriminator: values[.discriminator]
        ) { [discriminator, runningContext] images, labels, normalization in
            try discriminator.scores(
                images, labels: labels, architecture: architecture,
                normalization == .running ? runningContext : context.anotherPass())
        }
    }

    /// l_c(A, W1′, D_val) for each class.
    @Sendable private func classWeights(_ values: Values) throws -> Evaluation {
        var context = step.context(.w1, values, purpose: .judging)
        if settings.weightingPass == .eval { context.normalization = .running }
        let batch = method.weightingBatch(step)
        let performance = try ClassPerformance(
            logits: method.supernet.logits(batch.images, architecture: values.architecture, context),
            labels: batch.labels, trainingCounts: method.trainingCounts, over: step.communicator)
        let weights = try method.weighter.weights(
            performance, estimates: method.estimates(step.state.memory))
        var result = Evaluation(weights)
        if values.isObserved {
            result.extras = [
                "class_losses": performance.losses.detached,
                "class_measures": try method.weighter.measures(performance).detached,
                "class_weights": weights.detached, "class_counts": performance.counts,
            ]
        }
        return result
    }

    /// L(A, W2, D_tr) + λ Σ_c l_c(A, W1′, D_val) Σ_m L(A, W2, x̂_cm, c), Eq. 3 and 9.
    @Sendable private func secondClassifierLoss(_ values: Values) throws -> Evaluation {
        let batch = method.trainingBatch(step, values.occasion)
        let seesReal = !(settings.syntheticOnly && usesSynthetic)
        var result =
            seesReal
            ? try step.crossEntropy(
                of: method.supernet, .w2, on: batch, values, keepsBuffers: true,
                accuracy: "training_accuracy") : nil
        if usesSynthetic {
            let updates = BufferUpdates()
            let synthetic = try syntheticLoss(batch.labels, values, updates) * lambda
            if let real = result {
                result!.tensors[0] = try real.value + synthetic
            } else {
                result = Evaluation(synthetic)
                result!.updates[.w2] = updates
            }
        }
        return result!
    }

    /// Σ_m l_{c_m}·L(A, W2, x̂_m, c_m) over a batch of generated images, or its mean.
    private func syntheticLoss(_ labels: Tensor, _ values: Values, _ updates: BufferUpdates) throws -> Tensor
    {
        var images = try method.fromTanh(self.images(of: painter, labels, "synthetic noise", values))
        if settings.augmentSynthetic {
            let black = try method.fromTanh(images.backend.full(-1, [images.shape[3]], images.dtype))
            images = try method.augmentation.applied(
                to: images, black: black, random: step.random("synthetic augmentation", on: values.occasion))
        }
        let weights = try values[.classWeights][0].reshaped(to: [-1, 1]).rows(at: labels)
            .reshaped(to: [-1])
        func loss(_ logits: Tensor, _ weights: Tensor) throws -> Tensor {
            let total = try (weights * logits.crossEntropies(labels)).sum()
            return settings.syntheticSum == .sum ? total : try total / Double(labels.count)
        }
        let logits = try step.trainingLogits(
            of: method.supernet, images, values, step.context(.w2, values, updates: updates)
        ) { try loss($0, weights.detached) }
        return try loss(logits, weights)
    }

    /// L(A, W2′, D_val), Eq. 4.
    @Sendable private func validationLoss(_ values: Values) throws -> Evaluation {
        try step.crossEntropy(
            of: method.supernet, .w2, on: step.batches["validation"][0], values, keepsBuffers: false,
            accuracy: "validation_accuracy")
    }

    /// Generated images [N, H, W, C] in [−1, 1].
    ///
    /// - Parameter weights: the value that holds the generator's parameters.
    private func images(
        of weights: ValueID, _ labels: Tensor, _ noise: String, _ values: Values,
        updates: BufferUpdates? = nil
    ) throws -> Tensor {
        let parameters = values[weights]
        let noise = try method.generator.noise(
            labels.count, parameters[0].dtype, on: labels.backend,
            from: step.random(noise, on: values.occasion))
        return try method.generator.images(
            noise: noise, labels: labels,
            step.context(.generator, values, parameters: parameters, updates: updates))
    }
}
