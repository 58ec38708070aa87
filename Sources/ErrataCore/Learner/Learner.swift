import Datasets
import NeuralNetworks
import TensorEngine

/// Learning from mistakes by class weighting: Algorithm 1.
public struct Learner: Sendable {
    public let settings: LearnerSettings
    public let space: any SearchSpace
    public let supernet: any Supernet
    public let generator: any ConditionalGenerator
    public let weighter: any ClassWeighter
    public let hypergradient: any Hypergradient
    public let images: ImageSpecification
    /// From the tanh range of generated images to what the classifier is given.
    public let range: ChannelMap
    /// How synthetic images are augmented, where they are.
    public let augmentation: Augmentation
    public let epochs: Int
    public let seed: UInt64

    /// - Parameters:
    ///   - generator: not used with `lfm` off.
    ///   - epochs: of the whole search, over which learning rates decay.
    public init(
        _ settings: LearnerSettings, space: any SearchSpace, supernet: any Supernet,
        generator: any ConditionalGenerator, weighter: any ClassWeighter, hypergradient: any Hypergradient,
        images: ImageSpecification, range: ChannelMap, augmentation: Augmentation, epochs: Int, seed: UInt64
    ) {
        self.settings = settings
        self.space = space
        self.supernet = supernet
        self.generator = generator
        self.weighter = weighter
        self.hypergradient = hypergradient
        self.images = images
        self.range = range
        self.augmentation = augmentation
        self.epochs = epochs
        self.seed = seed
    }

    /// The state before the first step.
    public func initialState(on backend: any Backend, _ dtype: DType) throws -> LearnerState {
        func model(_ name: String, _ layout: ModelLayout, _ rule: InnerOptimizer.Rule) throws -> TrainedModel
        {
            TrainedModel(
                layout: layout,
                state: try layout.initialState(
                    on: backend, dtype, from: RandomStream(seed: seed, "initial \(name)")),
                rule: rule)
        }
        let sgd = InnerOptimizer.Rule.sgd(
            SGD(momentum: settings.weights.momentum, weightDecay: settings.weights.weightDecay), .init())
        let ganAdam = InnerOptimizer.Rule.adam(
            Adam(beta1: settings.gan.beta1, beta2: settings.gan.beta2), .init())
        let architectureAdam = InnerOptimizer.Rule.adam(
            Adam(
                beta1: settings.architecture.beta1, beta2: settings.architecture.beta2,
                weightDecay: settings.architecture.weightDecay), .init())
        var players = ["w2": try model("w2", supernet.layout, sgd)]
        if settings.lfm {
            players["w1"] = try model("w1", supernet.layout, sgd)
            players["generator"] = try model("generator", generator.layout, ganAdam)
            players["discriminator"] = try model(
                "discriminator", generator.discriminator.layout, ganAdam)
        }
        return LearnerState(
            architecture: try model("architecture", space.architecture, architectureAdam), players: players,
            estimates: ClassEstimates(classes: images.classes))
    }

    /// What a step learns from.
    public struct Batches: Sendable {
        /// Of D_tr, and of D_val for A's loss and for l_c.
        public let training, validation, weighting: Batch

        /// - Parameter weighting: for l_c; the validation batch by default.
        public init(training: Batch, validation: Batch, weighting: Batch? = nil) {
            self.training = training
            self.validation = validation
            self.weighting = weighting ?? validation
        }
    }

    /// What a step reports.
    public struct Report: Sendable {
        /// Losses before the step, by level: `w1`, `generator`, `discriminator`, `w2`, `architecture`; gradient
        /// norms and the like.
        public var metrics: [String: Double] = [:]
        /// l_c of this step; empty without learning from mistakes.
        public var classWeights: [Double] = []
        /// W1′'s validation loss on each class of the batch, 0 for a class it lacks; empty as well.
        public var classLosses: [Double] = []
    }

    /// The step that is to be taken at a state, as a multilevel problem.
    public func problem(_ state: LearnerState, on batches: Batches, epoch: Int) -> MultilevelProblem {
        LearnerProblem(self, state, batches, epoch: epoch).problem
    }

    /// One pass of Algorithm 1's loop: W1, then G and H, then W2, then A.
    ///
    /// - Throws: `LearnerError` if a loss is no longer a number.
    public func step(_ state: inout LearnerState, on batches: Batches, epoch: Int) throws -> Report {
        let record = EvaluationRecord()
        let problem = problem(state, on: batches, epoch: epoch)
        let solution = try problem.solve(
            innerSteps: hypergradient.innerSteps, recording: record)
        var report = Report()
        for (player, loss) in solution.objectives { report.metrics["\(player)_loss"] = loss }
        for (player, norm) in solution.gradientNorms { report.metrics["\(player)_gradient_norm"] = norm }

        var gradient: [Tensor]?
        if epoch < settings.architectureWarmup {
            report.metrics["architecture_loss"] = try problem.outer(solution.point, record).item()
        } else {
            let found = try hypergradient.gradient(of: problem, at: solution, recording: record)
            gradient = found.gradient
            report.metrics["architecture_loss"] = found.value
            for (path, term) in found.terms {
                report.metrics["architecture_gradient_\(path)"] = try term.norm()
            }
        }
        for name in report.metrics.keys.sorted() where !report.metrics[name]!.isFinite {
            throw LearnerError(
                "step \(state.step + 1): \(name) is \(report.metrics[name]!); the search has diverged. Lower "
                    + "learning rates or λ, and begin anew")
        }

        if let gradient {
            let optimizer = InnerOptimizer(state.architecture.rule, rate: settings.architecture.rate)
            let (updated, next, _) = try optimizer.step(
                state.architecture.state.parameters, gradients: gradient)
            state.architecture.state.parameters = updated.map(\.detached)
            state.architecture.rule = next.rule
        }
        for (name, optimizer) in solution.optimizers {
            state.players[name]!.state.parameters = solution.point[name]
            state.players[name]!.rule = optimizer.rule
            if let statistics = record.statistics[name] { state.players[name]!.state.statistics = statistics }
        }
        if let losses = record.tensors["class_losses"], let counts = record.counts["class_losses"] {
            state.estimates.update(
                losses: try losses.doubles(), counts: counts, momentum: settings.estimateMomentum)
        }
        report.classWeights = try record.tensors["class_weights"]?.doubles() ?? []
        report.classLosses = try record.tensors["class_losses"]?.doubles() ?? []
        report.metrics["validation_accuracy"] = record.metrics["validation_accuracy"]
        report.metrics["training_accuracy"] = record.metrics["training_accuracy"]
        state.step += 1
        return report
    }

    /// The learning rate of W1 and W2.
    public func rate(epoch: Int) -> Double { settings.weights.schedule(epochs: epochs).rate(epoch: epoch) }

    /// The learning rates of an epoch in the order of the levels; A's is 0 while it waits.
    public func rates(epoch: Int) -> [(level: String, rate: Double)] {
        let (classifier, gan) = (rate(epoch: epoch), settings.gan)
        let others =
            settings.lfm
            ? [
                ("w1", classifier), ("generator", gan.generatorRate),
                ("discriminator", gan.discriminatorRate),
            ] : []
        return others + [
            ("w2", classifier),
            ("architecture", epoch < settings.architectureWarmup ? 0 : settings.architecture.rate),
        ]
    }

    /// W2's loss and accuracy with running statistics, over batches of a data set.
    public func validate(_ state: LearnerState, on batches: any BatchSource) throws -> Performance {
        let w2 = state.players["w2"]!
        return try Performance(of: batches) { images in
            try supernet.logits(
                images, architecture: state.architecture.state.parameters,
                ForwardContext(w2.state, normalization: .running))
        }
    }

    /// `columns` generated images of each class, class by class, [classes·columns, H, W, C] in [−1, 1]. The
    /// noise is the same whenever it is called.
    public func samples(_ state: LearnerState, columns: Int) throws -> Tensor? {
        guard let model = state.players["generator"], let first = model.state.parameters.first else {
            return nil
        }
        let count = images.classes * columns
        let labels = try first.backend.tensor((0..<count).map { Int32($0 / columns) }, [count])
        let noise = try generator.noise(
            count, first.dtype, on: first.backend, from: RandomStream(seed: seed, "samples"))
        return try generator.images(
            noise: noise, labels: labels, ForwardContext(model.state, normalization: .batch))
    }
}

/// Why a search cannot go on.
public struct LearnerError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
