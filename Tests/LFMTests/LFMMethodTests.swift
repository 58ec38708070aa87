import Datasets
import ErrataCore
import Foundation
import LFM
import Multilevel
import NeuralNetworks
import SearchTesting
import TensorEngine
import Testing

@Suite("Learning from mistakes")
struct LFMMethodTests {
    @Test(
        "λ = 0 walks the plain search's architecture trajectory, bit for bit", arguments: UpdateOrder.allCases
    )
    func lambdaZero(_ order: UpdateOrder) throws {
        func alphas(_ change: (inout TinySearch) -> Void) throws -> [[[Double]]] {
            try TinySearch {
                $0.lfm.order = order
                change(&$0)
            }.run(3).map { try $0.alphas() }
        }
        let plain = try alphas { $0.bilevel { $0.order = order } }
        #expect(try plain == alphas { $0.lfm.lambda = 0 })
        guard order == .weightsFirst else { return }
        #expect(try plain.last != alphas { $0.lfm.lambda = 1 }.last)
    }

    @Test("The same seed gives the same bits on one thread and on two")
    func threads() throws {
        func after(threads: Int) throws -> [[Double]] {
            try TinySearch(threads: threads) { $0.dtype = .float32 }.run(2).last!.everything()
        }
        #expect(try after(threads: 1) == after(threads: 2))
    }

    @Test("Warm-ups hold A still and keep synthetic images from W2")
    func warmups() throws {
        let tiny = try TinySearch {
            $0.architectureWarmup = 1
            $0.lfm.generatorWarmup = 1
        }
        let start = try tiny.initialState()
        var warm = start
        let report = try tiny.step(&warm)
        #expect(try warm.alphas() == start.alphas())
        #expect(report["architecture_learning_rate"] == 0 && report["architecture_loss"] != nil)
        let plain = try TinySearch {
            $0.architectureWarmup = 1
            $0.lfm.lambda = 0
        }.run(1)[0]
        #expect(try warm.everything() == plain.everything())
        let later = try tiny.run(1, from: warm) { _ in 1 }[0]
        #expect(try later.alphas() != warm.alphas())
    }

    @Test(
        "What diverges ends the search with the rate to lower",
        arguments: [
            "optimizers.weights", "generator.training.generator", "generator.training.discriminator",
            "optimizers.architecture",
        ])
    func divergence(_ setting: String) throws {
        let tiny = try TinySearch { tiny in
            let descent = DescentSettings(rate: 1e200, .init("sgd", SGD()))
            switch setting {
            case "optimizers.weights": tiny.weights = descent.descent
            case "optimizers.architecture": tiny.architecture = Descent(rate: .infinity, SGD())
            case "generator.training.generator": tiny.dcgan.training.generator = descent
            default: tiny.dcgan.training.discriminator = descent
            }
        }
        #expect {
            _ = try tiny.run(4)
        } throws: { error in
            "\(error)".contains("diverged") && "\(error)".contains("\(setting).rate")
        }
    }

    @Test("Images from an average that is not kept are refused")
    func noAverage() throws {
        let tiny = try TinySearch { $0.lfm.syntheticGenerator = .average }
        #expect { _ = try tiny.search() } throws: { "\($0)".contains("set generator.training.average") }
    }

    @Test("Every setting changes a step")
    func settingsMatter() throws {
        typealias Change = @Sendable (inout TinySearch) -> Void
        func after(_ changes: Change...) throws -> [[Double]] {
            try TinySearch { tiny in for change in changes { change(&tiny) } }.run(2).last!.everything()
        }
        let plain: Change = { _ in }
        let average: Change = { $0.dcgan.training.average = 0.5 }
        let twice: Change = { ($0.lfm.steps.w1, $0.lfm.steps.game, $0.lfm.steps.w2) = (2, 2, 2) }
        // Where a setting shows, and what it is changed to.
        let lfm: [(key: String, where: Change, change: Change)] = [
            ("lambda", plain, { $0.lfm.lambda = 0.5 }),
            (
                "lambda_schedule", plain,
                { $0.lfm.lambdaSchedule = .init("linear", LinearSchedule(start: 0.5, end: 1)) }
            ),
            ("synthetic_only", plain, { $0.lfm.syntheticOnly = true }),
            ("synthetic_sum", plain, { $0.lfm.syntheticSum = .sum }),
            ("synthetic_generator", average, { $0.lfm.syntheticGenerator = .average }),
            ("augment_synthetic", plain, { $0.lfm.augmentSynthetic = true }),
            ("validation_batches", plain, { $0.lfm.validationBatches = .separate }),
            ("weighting_pass", plain, { $0.lfm.weightingPass = .eval }),
            ("generator_warmup", plain, { $0.lfm.generatorWarmup = 1 }),
            ("order", plain, { $0.lfm.order = .architectureFirst }),
            ("steps", plain, { $0.lfm.steps.w1 = 2 }), ("steps", plain, { $0.lfm.steps.game = 2 }),
            ("steps", plain, { $0.lfm.steps.w2 = 2 }),
            ("step_batches", twice, { $0.lfm.stepBatches = .shared }),
        ]
        #expect(
            Set(lfm.map(\.key)).union(["estimate_momentum", "generator_between_stages"])
                == Set(LFMSettings.fields.map(\.key)),
            "each setting has its line here, or a test")
        let training: [(key: String, where: Change, change: Change)] = [
            ("generator", plain, { $0.dcgan.training.generator.rate = 1e-3 }),
            ("generator", plain, { $0.dcgan.training.generator.optimizer = .init("sgd", SGD()) }),
            ("generator", plain, { $0.dcgan.training.generator.clip = 1e-9 }),
            ("discriminator", plain, { $0.dcgan.training.discriminator.rate = 1e-3 }),
            ("discriminator", plain, { $0.dcgan.training.discriminator.clip = 1e-9 }),
            ("order", plain, { $0.dcgan.training.order = .alternating }),
            ("critic_steps", plain, { $0.dcgan.training.criticSteps = 2 }),
            ("accumulation", plain, { $0.dcgan.training.accumulation = 2 }),
            ("average", average, { $0.dcgan.training.average = 0.9 }),
        ]
        #expect(Set(training.map(\.key)) == Set(AdversarialTrainingSettings.fields.map(\.key)))
        let others: [(key: String, where: Change, change: Change)] = [
            ("weighter", plain, { $0.weighter = UniformWeighter() }),
            ("dcgan.discriminator", plain, { $0.dcgan.discriminator = .native }),
            ("dcgan.loss", plain, { $0.dcgan.loss = .minimax }),
            ("weights.clip", plain, { $0.weights.clip = 0.01 }),
            ("architecture.clip", plain, { $0.architecture.clip = 1e-9 }),
            ("architecture.rate", plain, { $0.architecture.rate = 1e-3 }),
        ]
        #expect(try after(plain) == after(plain))
        for (key, place, change) in lfm + training + others {
            #expect(try after(place) != after(place, change), "\(key)")
        }
    }

    @Test("A λ that rises from 0 begins as the plain search, and is the constant one when it has risen")
    func lambdaSchedule() throws {
        func run(_ epoch: Int, _ change: @escaping (inout TinySearch) -> Void) throws -> [[Double]] {
            try TinySearch(change).run(1, epoch: { _ in epoch }).last!.alphas()
        }
        let ramp: (inout TinySearch) -> Void = {
            $0.lfm.lambdaSchedule = .init("linear", LinearSchedule(start: 0, end: 1, epochs: 2))
            $0.hypergradient = ExactHypergradient()
        }
        let exact: (inout TinySearch) -> Void = { $0.hypergradient = ExactHypergradient() }
        #expect(try run(0, ramp) == run(0) { ($0.lfm.lambda, $0.hypergradient) = (0, ExactHypergradient()) })
        #expect(
            try run(1, ramp) == run(1) { ($0.lfm.lambda, $0.hypergradient) = (0.5, ExactHypergradient()) })
        #expect(try run(3, ramp) == run(3, exact))
        #expect(try run(1, ramp) != run(1, exact))
        var settings = LFMSettings()
        settings.lambdaSchedule = .init("cosine", CosineSchedule(minimum: 2))
        #expect(throws: ScheduleError.self) { try settings.validate() }
    }

    @Test("A class's estimate moves by the momentum, and stands in where a batch lacks the class")
    func estimateMomentum() throws {
        func weights(_ momentum: Double) throws -> (estimate: [Double], weights: [Double?]) {
            let tiny = try TinySearch {
                $0.lfm.estimateMomentum = momentum
                $0.validationLabels = { $0 < 2 ? [0, 1, 2, 2, 1, 0] : [0, 1, 0, 1, 0, 1] }
            }
            let search = try tiny.search()
            let before = try tiny.run(2).last!
            var after = before
            // The first step of an epoch, so that its means are this step's.
            _ = try search.step(&after, on: tiny.batches(2), at: TrainingTime(step: 2))
            return (
                before.memory["class_estimates/values"], search.method.classMetrics(after.memory)[0].values
            )
        }
        let (none, half) = (try weights(0), try weights(0.5))
        #expect(none.estimate[2] != half.estimate[2])
        #expect(none.weights[2] == none.estimate[2] && half.weights[2] == half.estimate[2])
    }

    @Test("Schedules follow the time that a step is given")
    func schedules() throws {
        let tiny = try TinySearch { tiny in
            tiny.dcgan.training.generator.schedule = .init("cosine", CosineSchedule())
        }
        var state = try tiny.initialState()
        let first = try tiny.step(&state)
        let second = try tiny.step(&state, epoch: 2)
        #expect(first["generator_learning_rate"] == 2e-4 && first["w1_learning_rate"] == 0.025)
        #expect(abs(second["generator_learning_rate"]! - 1e-4) < 1e-18)
        #expect(abs(second["w2_learning_rate"]! - 0.013) < 1e-15)
        #expect(second["discriminator_learning_rate"] == 2e-4)
    }

    @Test("A level asks for as many batches as it takes steps, and takes each once")
    func batches() throws {
        func counts(_ change: (inout TinySearch) -> Void) throws -> [String: Int] {
            let requests = try TinySearch(change).search().method.batches
            return Dictionary(uniqueKeysWithValues: requests.map { ($0.name, $0.count) })
        }
        #expect(try counts { _ in } == ["training": 1, "validation": 1])
        #expect(
            try counts {
                $0.lfm.steps.w1 = 3
                $0.lfm.validationBatches = .separate
            } == ["training": 3, "validation": 1, "weighting": 1])
        #expect(
            try counts {
                $0.dcgan.training.criticSteps = 3
                $0.dcgan.training.accumulation = 2
            } == ["training": 1, "validation": 1, "game": 6])
        #expect(
            try counts {
                ($0.lfm.steps.game, $0.lfm.steps.w2, $0.lfm.stepBatches) = (4, 2, .shared)
            } == ["training": 1, "validation": 1])

        // Whether a batch was taken shows in whether another in its place changes anything.
        let tiny = try TinySearch { tiny in
            (tiny.lfm.steps.w1, tiny.lfm.steps.game, tiny.lfm.steps.w2) = (2, 2, 2)
            tiny.dcgan.training.criticSteps = 2
            tiny.dcgan.training.accumulation = 2
            tiny.lfm.lambda = 0
        }
        let search = try tiny.search()
        let start = try tiny.initialState()
        func after(_ other: (name: String, index: Int)?) throws -> SearchState {
            var batches: [String: [Batch]] = [:]
            for request in search.method.batches {
                batches[request.name] = try (0..<request.count).map { index in
                    let isOther = other.map { $0 == (request.name, index) } ?? false
                    return try tiny.batch(
                        request.name, index, labels: isOther ? [2, 2, 1, 1, 0, 1] : tiny.trainingLabels)
                }
            }
            var state = start
            _ = try search.step(&state, on: StepBatches(batches), at: tiny.time(0))
            return state
        }
        let base = try after(nil)
        func changed(_ name: String, _ index: Int) throws -> Set<ValueID> {
            let state = try after((name, index))
            return try Set(
                base.models.keys.filter { id in
                    try zip(base[id].state.parameters, state[id].state.parameters).contains {
                        try $0.doubles() != $1.doubles()
                    }
                })
        }
        for index in 0..<2 { #expect(try changed("training", index) == [.w1, .w2]) }
        // H takes all of them in turn; G, which steps once for two of H's, the first two of each four, and what it
        // learns in the level's second step depends on the H of the first.
        let both: Set<ValueID> = [.discriminator, .generator]
        for index in 0..<8 {
            #expect(try changed("game", index) == (index < 6 ? both : [.discriminator]), "\(index)")
        }
    }

    @Test("The moving average follows G")
    func movingAverage() throws {
        let tiny = try TinySearch { $0.dcgan.training.average = 0.8 }
        let start = try tiny.initialState()
        #expect(
            try start[.generator].average!.map { try $0.doubles() }
                == start[.generator].state.parameters.map { try $0.doubles() })
        #expect(start[.discriminator].average == nil && start[.w1].average == nil)
        var expected = try start[.generator].average!.flatMap { try $0.doubles() }
        for state in try tiny.run(3) {
            let g = try state[.generator].state.parameters.flatMap { try $0.doubles() }
            expected = zip(expected, g).map { 0.8 * $0 + 0.2 * $1 }
            let average = try state[.generator].average!.flatMap { try $0.doubles() }
            #expect(zip(average, expected).allSatisfy { abs($0 - $1) < 1e-14 })
        }
    }

    @Test(
        "Pictures are of each class in turn, from the average where images are; the same whenever they are asked for"
    )
    func samples() throws {
        func pictures(_ change: (inout TinySearch) -> Void = { _ in }) throws -> [Double] {
            let tiny = try TinySearch {
                $0.dcgan.training.average = 0.8
                $0.dcgan.training.generator.rate = 0.1
                change(&$0)
            }
            let state = try tiny.run(1)[0]
            let images = try #require(try tiny.search().method.samples(state, columns: 2, seed: 1))
            #expect(images.shape == [6, 8, 8, 1])
            return try images.doubles()
        }
        let current = try pictures()
        #expect(try pictures() == current)
        #expect(try pictures { $0.lfm.syntheticGenerator = .average } != current)
    }

    @Test("What an epoch tells of each class is the mean over its steps, and begins anew with the next")
    func classMetrics() throws {
        let tiny = try TinySearch { $0.validationLabels = { _ in [0, 1, 0, 1, 0, 1] } }
        let search = try tiny.search()
        var state = try tiny.initialState()
        #expect(search.method.classMetrics(state.memory).allSatisfy { $0.values == [nil, nil, nil] })
        func take(_ stepOfEpoch: Int) throws -> [ClassMetric] {
            _ = try search.step(
                &state, on: tiny.batches(state.step),
                at: TrainingTime(step: state.step, stepOfEpoch: stepOfEpoch))
            return search.method.classMetrics(state.memory)
        }
        let first = try take(0)
        let both = try take(1)
        #expect(first.map(\.name) == ["weight", "w1_batch_loss"])
        // A class without images has a weight, and no loss.
        #expect(
            first[0].values[2] != nil && first[1].values == [first[0].values[0], first[0].values[1], nil])
        let second = try take(0)
        #expect(second[1].values[0] != both[1].values[0] && first[1].values[0] != both[1].values[0])
        #expect(both[1].values[2] == nil)
    }

    @Test(
        "Nothing is reported that was not declared, by any hypergradient, and every column is declared once",
        arguments: [
            FirstOrderHypergradient() as any Hypergradient, ExactHypergradient(),
            FiniteDifferenceHypergradient(),
            NeumannHypergradient(), ConjugateGradientHypergradient(),
        ])
    func declaredMetrics(_ hypergradient: any Hypergradient) throws {
        let tiny = try TinySearch { $0.hypergradient = hypergradient }
        let names = try tiny.search().metrics.map(\.name)
        #expect(Set(names).count == names.count)
        var state = try tiny.initialState()
        let reported = try tiny.step(&state)
        #expect(Set(reported.keys).isSubset(of: Set(names)))
        for name in [
            "w1_loss", "generator_loss", "discriminator_loss", "w2_loss", "architecture_loss",
            "training_accuracy", "validation_accuracy", "w1_gradient_norm", "w2_gradient_norm",
            "architecture_gradient_direct",
        ] { #expect(reported[name] != nil, "\(name)") }
    }

    @Test(
        "A first: it descends at the unclipped virtual step's end, or at the weights as they are; then the levels step anew"
    )
    func architectureFirst() throws {
        for method in [ExactHypergradient() as any Hypergradient, FirstOrderHypergradient()] {
            let tiny = try TinySearch {
                $0.lfm.order = .architectureFirst
                $0.hypergradient = method
                $0.weights.clip = 0.1
            }
            let before = try tiny.run(1)[0]
            let after = try tiny.run(1, from: before)[0]

            let unclipped = try TinySearch(on: tiny.backend) { $0.weights.clip = nil }.problem(before)
            let place = method is FirstOrderHypergradient ? unclipped.start : try unclipped.solve()
            let found = try method.gradient(of: unclipped, at: place).gradient
            let descent = tiny.architecture
            let (alphas, _, _) = try descent.step(before.architecture.optimizer, at: tiny.time(1))(
                before.architecture.state.parameters, gradients: found)
            #expect(try after.alphas() == alphas.map { try $0.doubles() })

            var moved = before
            moved.architecture.state.parameters = alphas
            let solution = try tiny.problem(moved).solve()
            for (id, model) in after.models {
                #expect(
                    try model.state.parameters.map { try $0.doubles() }
                        == solution.values[id].map { try $0.doubles() })
            }
        }
    }

    /// The step once more, with nothing of the method's: losses from the models, gradients from the engine,
    /// and each update written out.
    @Test("A step is Algorithm 1, written out")
    func stepByStep() throws {
        let tiny = try TinySearch {
            $0.weights.clip = 0.5
            $0.weights.schedule = ConstantSchedule()
            $0.lfm.lambda = 0.7
        }
        let search = try tiny.search()
        let generator = try tiny.makeGenerator(backbone: search.supernet.backbone)
        // The second step, so that momentum and Adam's moments are warm.
        let before = try tiny.run(1)[0]
        var after = before
        let batches = try tiny.batches(1)
        let (training, validation) = (batches["training"][0], batches["validation"][0])
        let report = try search.step(&after, on: batches, at: tiny.time(1))

        func values(_ id: ValueID) -> [Tensor] { before[id].state.parameters }
        func context(_ id: ValueID, _ parameters: [Tensor]) -> ForwardContext {
            ForwardContext(ModelState(parameters: parameters, buffers: before[id].state.buffers))
        }
        func rows(_ tensors: [Tensor]) throws -> [[Double]] { try tensors.map { try $0.doubles() } }
        let alphas = before.architecture.state.parameters
        let (x, y, n) = (training.images, training.labels, 6)
        func classify(_ images: Tensor, _ id: ValueID, _ parameters: [Tensor], _ a: [Tensor]) throws -> Tensor
        {
            try search.supernet.logits(images, architecture: a, context(id, parameters)).logSoftmax()
        }
        func crossEntropies(_ logProbabilities: Tensor, _ labels: Tensor) throws -> Tensor {
            try (logProbabilities * labels.oneHot(3, .float64)).sum(axes: [1]).negated()
        }
        func sgd(_ id: ValueID, _ parameters: [Tensor], _ gradient: [Tensor]) throws -> [[Double]] {
            let g = try rows(gradient)
            let norm = g.joined().reduce(0) { $0 + $1 * $1 }.squareRoot()
            let factor = min(1, 0.5 / (norm + 1e-6))
            return try zip(zip(rows(parameters), g), rows(before[id].optimizer.slots[0])).map {
                pair, velocity in
                zip(zip(pair.0, pair.1), velocity).map { pair, v in
                    pair.0 - 0.025 * (0.9 * v + factor * pair.1 + 3e-4 * pair.0)
                }
            }
        }
        func adam(_ model: Model, _ gradient: [Tensor], rate: Double, decay: Double) throws -> [[Double]] {
            let moments = zip(try rows(model.optimizer.slots[0]), try rows(model.optimizer.slots[1]))
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
        let w1 = values(.w1).map(\.variable)
        let w1Loss = try crossEntropies(classify(x, .w1, w1, alphas), y).mean()
        let w1Next = try sgd(.w1, w1, gradients(of: w1Loss, withRespectTo: w1))
        try expect(after[.w1].state.parameters, w1Next, "W1′")
        #expect(abs(try w1Loss.item() - report["w1_loss"]!) < 1e-12)

        // H and G from the same point, with non-saturating losses
        let noise = try generator.noise(
            n, .float64, on: tiny.backend, from: RandomStream(seed: 7, "gan noise", step: 1))
        let h = values(.discriminator).map(\.variable)
        let g = values(.generator).map(\.variable)
        func score(_ images: Tensor) throws -> Tensor {
            try generator.discriminator.scores(
                images, labels: y, architecture: alphas, context(.discriminator, h))
        }
        let fake = try generator.images(noise: noise, labels: y, context(.generator, g))
        let hLoss = try score(training.originals!).negated().softplus().mean() + score(fake).softplus().mean()
        let hNext = try adam(
            before[.discriminator], gradients(of: hLoss, withRespectTo: h), rate: 2e-4, decay: 0)
        try expect(after[.discriminator].state.parameters, hNext, "H′")
        let gLoss = try score(fake).negated().softplus().mean()
        let gNext = try adam(before[.generator], gradients(of: gLoss, withRespectTo: g), rate: 2e-4, decay: 0)
        try expect(after[.generator].state.parameters, gNext, "G′")

        // W2 on real images and λ times the weighted synthetic ones
        func tensors(_ values: [[Double]], like shapes: [Tensor]) throws -> [Tensor] {
            try zip(values, shapes).map { try tiny.backend.tensor($0, $1.shape) }
        }
        let validationLosses = try crossEntropies(
            classify(validation.images, .w1, tensors(w1Next, like: w1), alphas), validation.labels
        ).doubles()
        let labels: [Int32] = try validation.labels.values()
        let classLosses = (0..<3).map { c in
            let own = labels.indices.filter { labels[$0] == c }.map { validationLosses[$0] }
            return own.reduce(0, +) / Double(own.count)
        }
        let syntheticNoise = try generator.noise(
            n, .float64, on: tiny.backend, from: RandomStream(seed: 7, "synthetic noise", step: 1))
        let synthetic =
            try generator.images(
                noise: syntheticNoise, labels: y, context(.generator, tensors(gNext, like: g))) * 0.8 - 0.1
        let w2 = values(.w2).map(\.variable)
        let trainingLabels: [Int32] = try y.values()
        let weights = try tiny.backend.tensor(trainingLabels.map { classLosses[Int($0)] }, [n])
        let w2Loss =
            try crossEntropies(classify(x, .w2, w2, alphas), y).mean()
            + (crossEntropies(classify(synthetic, .w2, w2, alphas), y) * weights).mean() * 0.7
        let w2Next = try sgd(.w2, w2, gradients(of: w2Loss, withRespectTo: w2))
        try expect(after[.w2].state.parameters, w2Next, "W2′")

        // A descends W2′'s validation loss
        let a = alphas.map(\.variable)
        let outer = try crossEntropies(
            classify(validation.images, .w2, tensors(w2Next, like: w2), a), validation.labels
        ).mean()
        let aNext = try adam(
            before.architecture, gradients(of: outer, withRespectTo: a), rate: 3e-4, decay: 1e-3)
        try expect(after.architecture.state.parameters, aNext, "A′")
    }
}
