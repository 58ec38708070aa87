import CPUEngine
import DARTS
import DCGAN
import Datasets
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

/// A search so small that a step takes milliseconds, with every part of a large one.
struct TinySearch {
    let learner: Learner
    let backend: CPUBackend
    let dtype: DType
    static let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)

    init(
        _ dtype: DType = .float64, threads: Int = 1, weighter: any ClassWeighter = ValidationLossWeighter(),
        hypergradient: any Hypergradient = FirstOrderHypergradient(),
        discriminator: DiscriminatorChoice = .backbone, on backend: CPUBackend? = nil,
        _ change: (inout LearnerSettings) -> Void = { _ in }
    ) throws {
        self.backend = try backend ?? CPUBackend(threads: threads)
        self.dtype = dtype
        var space = DARTSConfiguration()
        (space.channels, space.cells, space.nodes) = (2, 3, 2)
        let searchSpace = DARTSSearchSpace(space)
        let supernet = try searchSpace.supernet(for: Self.images)
        var gan = DCGANConfiguration()
        (gan.noise, gan.embedding, gan.channels, gan.discriminatorChannels) = (4, 3, 4, 4)
        gan.discriminator = discriminator
        var settings = LearnerSettings()
        change(&settings)
        learner = Learner(
            settings, space: searchSpace, supernet: supernet,
            generator: try DCGANGenerator(gan, for: Self.images, backbone: supernet.backbone),
            weighter: weighter, hypergradient: hypergradient, images: Self.images,
            range: ChannelMap(scale: [0.8], offset: [-0.1]),
            augmentation: Augmentation(cropPadding: 1, horizontalFlip: true),
            epochs: 4, seed: 7)
    }

    func initialState() throws -> LearnerState { try learner.initialState(on: backend, dtype) }

    func batch(_ label: String, _ step: Int, labels: [Int32] = [0, 1, 2, 1, 0, 2]) throws -> Batch {
        let raw = try backend.normal(
            [labels.count, 8, 8, 1], dtype, from: RandomStream(seed: 3, label, step: UInt64(step))
        ).tanh()
        return Batch(
            images: try learner.range(raw), originals: raw, labels: try backend.tensor(labels, [labels.count])
        )
    }

    func batches(_ step: Int) throws -> Learner.Batches {
        .init(training: try batch("training", step), validation: try batch("validation", step))
    }

    /// The states after each of so many steps.
    func run(_ steps: Int, from start: LearnerState? = nil, epoch: (Int) -> Int = { _ in 0 }) throws
        -> [LearnerState]
    {
        var state = try start ?? initialState()
        return try (0..<steps).map { _ in
            let step = state.step
            _ = try learner.step(&state, on: batches(step), epoch: epoch(step))
            return state
        }
    }
}

extension LearnerState {
    func alphas() throws -> [[Double]] { try architecture.state.parameters.map { try $0.doubles() } }
    func everything() throws -> [[Double]] {
        try alphas()
            + players.sorted { $0.key < $1.key }.flatMap { _, model in
                try (model.state.parameters + model.state.statistics).map { try $0.doubles() }
            }
    }
}

@Suite("The learner")
struct LearnerTests {
    @Test("λ = 0 walks the architecture trajectory of the search without mistakes, bit for bit")
    func lambdaZero() throws {
        let off = try TinySearch { $0.lfm = false }.run(3).map { try $0.alphas() }
        let zero = try TinySearch { $0.lambda = 0 }.run(3).map { try $0.alphas() }
        let one = try TinySearch { $0.lambda = 1 }.run(3).map { try $0.alphas() }
        #expect(off == zero)
        #expect(off.last != one.last)
    }

    @Test("The same seed gives the same bits on one thread and on two")
    func threads() throws {
        let one = try TinySearch(.float32, threads: 1).run(2).last!.everything()
        let two = try TinySearch(.float32, threads: 2).run(2).last!.everything()
        #expect(one == two)
    }

    @Test("Warm-ups hold A still and keep synthetic images from W2")
    func warmups() throws {
        let search = try TinySearch {
            $0.architectureWarmup = 1
            $0.generatorWarmup = 1
        }
        let start = try search.initialState()
        let warm = try search.run(1, from: start)[0]
        #expect(try warm.alphas() == start.alphas())
        let plain = try TinySearch {
            $0.architectureWarmup = 1
            $0.lambda = 0
        }.run(1)[0]
        #expect(try warm.everything() == plain.everything())
        let later = try search.run(1, from: warm) { _ in 1 }[0]
        #expect(try later.alphas() != warm.alphas())
    }

    @Test("A loss that is no number ends the search with what happened")
    func divergence() throws {
        let search = try TinySearch {
            $0.weights.rate = 1e200
            $0.weights.clip = nil
        }
        #expect(throws: LearnerError.self) { try search.run(3) }
    }

    /// Every setting that changes a step changes it.
    @Test func settingsMatter() throws {
        func after(
            weighter: any ClassWeighter = ValidationLossWeighter(),
            discriminator: DiscriminatorChoice = .backbone, _ change: (inout LearnerSettings) -> Void
        ) throws -> [[Double]] {
            try TinySearch(weighter: weighter, discriminator: discriminator, change).run(2).last!.everything()
        }
        let base = try after { _ in }
        #expect(try after { _ in } == base)
        #expect(try after { $0.syntheticOnly = true } != base)
        #expect(try after { $0.syntheticSum = .sum } != base)
        #expect(try after { $0.augmentSynthetic = true } != base)
        #expect(try after { $0.weightingPass = .eval } != base)
        #expect(try after { $0.ganUpdate = .alternating } != base)
        #expect(try after { $0.lambda = 0.5 } != base)
        #expect(try after(weighter: UniformWeighter()) { _ in } != base)
        #expect(try after(discriminator: .native) { _ in } != base)
        #expect(try after { $0.gan.generatorRate = 1e-3 } != base)
        #expect(try after { $0.weights.clip = 0.01 } != base)
    }

    /// The step once more, with nothing of the learner's: losses from the models, gradients from the engine,
    /// and each update written out.
    @Test("A step is Algorithm 1, written out")
    func stepByStep() throws {
        let search = try TinySearch {
            $0.weights.clip = 0.5
            $0.lambda = 0.7
        }
        let learner = search.learner
        // The second step, so that momentum and Adam's moments are warm.
        let before = try search.run(1)[0]
        var after = before
        let batches = try search.batches(1)
        let report = try learner.step(&after, on: batches, epoch: 0)

        func values(_ name: String) -> [Tensor] { before.players[name]!.state.parameters }
        func context(_ name: String, _ parameters: [Tensor]) -> ForwardContext {
            ForwardContext(
                ModelState(parameters: parameters, statistics: before.players[name]!.state.statistics))
        }
        func rows(_ tensors: [Tensor]) throws -> [[Double]] { try tensors.map { try $0.doubles() } }
        let alphas = before.architecture.state.parameters
        let (x, y, n) = (batches.training.images, batches.training.labels, 6)
        func classify(_ images: Tensor, _ name: String, _ parameters: [Tensor], _ a: [Tensor]) throws
            -> Tensor
        {
            try learner.supernet.logits(images, architecture: a, context(name, parameters)).logSoftmax()
        }
        func crossEntropies(_ logProbabilities: Tensor, _ labels: Tensor) throws -> Tensor {
            try (logProbabilities * labels.oneHot(3, .float64)).sum(axes: [1]).negated()
        }
        func sgd(_ name: String, _ parameters: [Tensor], _ gradient: [Tensor]) throws -> [[Double]] {
            guard case .sgd(_, let state) = before.players[name]!.rule else { return [] }
            let g = try rows(gradient)
            let norm = g.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
            let factor = min(1, 0.5 / (norm + 1e-6))
            return try zip(zip(rows(parameters), g), rows(state.velocities)).map { pair, velocity in
                zip(zip(pair.0, pair.1), velocity).map { pair, v in
                    pair.0 - 0.025 * (0.9 * v + factor * pair.1 + 3e-4 * pair.0)
                }
            }
        }
        func adam(_ model: TrainedModel, _ gradient: [Tensor], rate: Double, decay: Double) throws
            -> [[Double]]
        {
            guard case .adam(_, let state) = model.rule else { return [] }
            let moments = zip(try rows(state.first), try rows(state.second))
            return try zip(zip(rows(model.state.parameters), rows(gradient)), moments).map { pair, moments in
                pair.0.indices.map { i in
                    let theta = pair.0[i]
                    let g = pair.1[i] + decay * theta
                    let m = (0.5 * moments.0[i] + 0.5 * g) / (1 - 0.5 * 0.5)
                    let v = (0.999 * moments.1[i] + 0.001 * g * g) / (1 - 0.999 * 0.999)
                    return theta - rate * m / (v.squareRoot() + 1e-8)
                }
            }
        }
        func expect(_ found: [Tensor], _ expected: [[Double]], _ what: Comment) throws {
            let worst = try zip(rows(found).joined(), expected.joined()).map { abs($0 - $1) }.max()!
            #expect(found.count == expected.count && worst < 1e-11, what)
        }

        // W1 ← W1 − ξ∇L(A, W1, D_tr)
        let w1 = values("w1").map(\.variable)
        let w1Loss = try crossEntropies(classify(x, "w1", w1, alphas), y).mean()
        let w1Next = try sgd("w1", w1, gradients(of: w1Loss, withRespectTo: w1))
        try expect(after.players["w1"]!.state.parameters, w1Next, "W1′")

        // H and G from the same point, with non-saturating losses
        let noise = try learner.generator.noise(
            n, .float64, on: search.backend, from: RandomStream(seed: 7, "gan noise", step: 1))
        let h = values("discriminator").map(\.variable)
        let g = values("generator").map(\.variable)
        func score(_ images: Tensor) throws -> Tensor {
            try learner.generator.discriminator.scores(
                images, labels: y, architecture: alphas, context("discriminator", h))
        }
        let fake = try learner.generator.images(noise: noise, labels: y, context("generator", g))
        let hLoss =
            try score(batches.training.originals!).negated().softplus().mean() + score(fake).softplus().mean()
        let hNext = try adam(
            before.players["discriminator"]!, gradients(of: hLoss, withRespectTo: h), rate: 2e-4, decay: 0)
        try expect(after.players["discriminator"]!.state.parameters, hNext, "H′")
        let gLoss = try score(fake).negated().softplus().mean()
        let gNext = try adam(
            before.players["generator"]!, gradients(of: gLoss, withRespectTo: g), rate: 2e-4, decay: 0)
        try expect(after.players["generator"]!.state.parameters, gNext, "G′")

        // W2 on real images and λ times the weighted synthetic ones
        func tensors(_ values: [[Double]], like shapes: [Tensor]) throws -> [Tensor] {
            try zip(values, shapes).map { try search.backend.tensor($0, $1.shape) }
        }
        let validation = batches.validation
        let validationLosses = try crossEntropies(
            classify(validation.images, "w1", tensors(w1Next, like: w1), alphas), validation.labels
        ).doubles()
        let labels: [Int32] = try validation.labels.values()
        let classLosses = (0..<3).map { c in
            let own = labels.indices.filter { labels[$0] == c }.map { validationLosses[$0] }
            return own.reduce(0, +) / Double(own.count)
        }
        #expect(zip(report.classWeights, classLosses).allSatisfy { abs($0 - $1) < 1e-12 })
        let syntheticNoise = try learner.generator.noise(
            n, .float64, on: search.backend, from: RandomStream(seed: 7, "synthetic noise", step: 1))
        let synthetic =
            try learner.generator.images(
                noise: syntheticNoise, labels: y, context("generator", tensors(gNext, like: g))) * 0.8 - 0.1
        let w2 = values("w2").map(\.variable)
        let trainingLabels: [Int32] = try y.values()
        let weights = try search.backend.tensor(trainingLabels.map { classLosses[Int($0)] }, [n])
        let w2Loss =
            try crossEntropies(classify(x, "w2", w2, alphas), y).mean()
            + (crossEntropies(classify(synthetic, "w2", w2, alphas), y) * weights).mean() * 0.7
        let w2Next = try sgd("w2", w2, gradients(of: w2Loss, withRespectTo: w2))
        try expect(after.players["w2"]!.state.parameters, w2Next, "W2′")

        // A descends W2′'s validation loss
        let a = alphas.map(\.variable)
        let outer = try crossEntropies(
            classify(validation.images, "w2", tensors(w2Next, like: w2), a), validation.labels
        ).mean()
        let aNext = try adam(
            before.architecture, gradients(of: outer, withRespectTo: a), rate: 3e-4, decay: 1e-3)
        try expect(after.architecture.state.parameters, aNext, "A′")
    }
}

@Suite("Class weighters")
struct ClassWeighterTests {
    let backend: CPUBackend
    let performance: ClassPerformance
    var estimates = ClassEstimates(classes: 4)

    init() throws {
        backend = try CPUBackend(threads: 1)
        performance = try ClassPerformance(
            losses: backend.tensor([1.0, 3.0, 5.0], [3]), labels: backend.tensor([0, 0, 2] as [Int32], [3]),
            classes: 4)
        estimates.update(losses: [0, 0.5, 0, 0], counts: [0, 2, 0, 0], momentum: 0.9)
    }

    @Test(arguments: [
        (ValidationLossWeighter.AbsentClasses.runningEstimate, [2.0, 0.5, 5.0, 3.5]),
        (.zero, [2, 0, 5, 0]), (.mean, [2, 3.5, 5, 3.5]),
    ])
    func absentClasses(_ rule: ValidationLossWeighter.AbsentClasses, expected: [Double]) throws {
        let weights = try ValidationLossWeighter(absentClasses: rule).weights(
            performance, estimates: estimates)
        #expect(try weights.doubles() == expected)
    }

    @Test(
        "What stands in for an absent class is a constant to differentiation",
        arguments: [
            ValidationLossWeighter.AbsentClasses.runningEstimate, .zero, .mean,
        ])
    func constantSubstitutes(_ rule: ValidationLossWeighter.AbsentClasses) throws {
        let losses = try backend.tensor([1.0, 3.0, 5.0], [3]).variable
        let performance = try ClassPerformance(
            losses: losses, labels: backend.tensor([0, 0, 2] as [Int32], [3]), classes: 4)
        let weights = try ValidationLossWeighter(absentClasses: rule).weights(
            performance, estimates: estimates)
        let slopes = try gradients(
            of: [weights], withRespectTo: [losses],
            cotangents: [backend.tensor([1.0, 10, 100, 1000], [4])])
        #expect(try slopes[0].doubles() == [0.5, 0.5, 100])
    }

    @Test func uniform() throws {
        #expect(try UniformWeighter().weights(performance, estimates: estimates).doubles() == [1, 1, 1, 1])
    }

    @Test func estimatesMove() {
        var estimates = estimates
        estimates.update(losses: [4, 1.5, 0, 0], counts: [1, 1, 0, 0], momentum: 0.9)
        #expect(estimates.losses[0] == 4)
        #expect(abs(estimates.losses[1] - 0.6) < 1e-15)
        #expect(estimates.seen == [true, true, false, false])
    }
}
