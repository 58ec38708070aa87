import CPUEngine
import DARTS
import DCGAN
import Datasets
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

/// The whole learner at a tiny size, at warm optimisers, as a function of A in each of its occurrences.
private struct Pipeline {
    let backend: KinkBackend
    let problem: MultilevelProblem
    let innerSteps: Int
    /// Along which A is perturbed.
    let direction: [Tensor]
    private let statistics: [String: [Tensor]]

    struct Setting: Sendable, CustomTestStringConvertible {
        var name: String
        var weighter: any ClassWeighter = ValidationLossWeighter()
        var discriminator = DiscriminatorChoice.backbone
        var loss = AdversarialLoss.nonSaturating
        var innerSteps = 1
        var validationLabels: [Int32] = [2, 0, 1]
        /// The primitive whose architecture parameters are raised and perturbed; all are perturbed where absent.
        var primitive: Int?
        var nodes = 1
        var change: @Sendable (inout LearnerSettings) -> Void = { _ in }

        var testDescription: String { name }
    }

    init(_ setting: Setting, seed: UInt64) throws {
        backend = KinkBackend(try CPUBackend(threads: 1))
        innerSteps = setting.innerSteps
        let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)
        var space = DARTSConfiguration()
        (space.channels, space.cells, space.nodes, space.stemMultiplier) = (2, 3, setting.nodes, 1)
        space.initialDeviation = 0.5
        let searchSpace = DARTSSearchSpace(space)
        let supernet = try searchSpace.supernet(for: images)
        var gan = DCGANConfiguration()
        (gan.noise, gan.embedding, gan.channels, gan.discriminatorChannels) = (3, 2, 2, 2)
        (gan.discriminator, gan.loss) = (setting.discriminator, setting.loss)
        var settings = LearnerSettings()
        settings.weights.clip = nil
        setting.change(&settings)
        let warmUp = settings
        settings.weights.rate = 0.5
        (settings.gan.generatorRate, settings.gan.discriminatorRate) = (0.1, 0.1)
        func learner(_ settings: LearnerSettings) throws -> Learner {
            Learner(
                settings, space: searchSpace, supernet: supernet,
                generator: try DCGANGenerator(gan, for: images, backbone: supernet.backbone),
                weighter: setting.weighter, hypergradient: FirstOrderHypergradient(), images: images,
                range: ChannelMap(scale: [0.8], offset: [-0.1]),
                augmentation: Augmentation(cropPadding: 1, horizontalFlip: true), epochs: 4, seed: seed)
        }
        let backend = backend
        func batches(_ step: Int) throws -> Learner.Batches {
            func batch(_ label: String, _ labels: [Int32]) throws -> Batch {
                let raw = try backend.normal(
                    [labels.count, 8, 8, 1], .float64,
                    from: RandomStream(seed: seed, label, step: UInt64(step))
                ).tanh()
                return Batch(
                    images: try raw * 0.8 - 0.1, originals: raw,
                    labels: try backend.tensor(labels, [labels.count]))
            }
            return .init(
                training: try batch("training", [0, 1, 2]),
                validation: try batch("validation", step < 2 ? [2, 0, 1] : setting.validationLabels))
        }
        var state = try learner(settings).initialState(on: backend, .float64)
        for step in 0..<2 { _ = try learner(warmUp).step(&state, on: batches(step), epoch: 0) }
        let columns = setting.primitive.map { primitive in (0..<8).map { $0 == primitive ? 1.0 : 0 } }
        let column = try backend.tensor(columns ?? [Double](repeating: 1, count: 8), [8])
        if setting.primitive != nil {
            state.architecture.state.parameters = try state.architecture.state.parameters.map {
                try $0 + column * 2
            }
        }
        let raw = try state.architecture.state.parameters.enumerated().map { index, a in
            try backend.normal(a.shape, .float64, from: RandomStream(seed: seed, "direction \(index)"))
                * column
        }
        let norm = try raw.reduce(0) { try $0 + $1.squared().sum().item() }.squareRoot()
        direction = try raw.map { try $0 / norm }
        problem = try learner(settings).problem(state, on: batches(2), epoch: 0)
        statistics = try problem.solve(innerSteps: innerSteps).point.statistics
        _ = backend.takeDigest()
    }

    /// The outer objective where A is moved in some of its occurrences, and what decided it.
    func outer(moving paths: Set<String>, by step: Double) throws -> (Double, KinkBackend.Digest) {
        let moved = try zip(problem.architecture, direction).map { try $0 + $1 * step }
        let statistics = statistics
        let perturbed = problem.changed { occurrence, point in
            var point = point
            // Running statistics are constants.
            if occurrence == "class_weights" { point.statistics = statistics }
            if paths.contains(occurrence) { point.architecture = moved }
            return point
        }
        let solution = try perturbed.solve(innerSteps: innerSteps)
        return (try perturbed.outer(solution.point).item(), backend.takeDigest())
    }

    /// The slope along the direction by central differences; nil where a kink lies between.
    func slope(moving paths: Set<String>, by h: Double, from here: KinkBackend.Digest) throws -> Double? {
        let (ahead, decidedAhead) = try outer(moving: paths, by: h)
        guard decidedAhead == here else { return nil }
        let (behind, decidedBehind) = try outer(moving: paths, by: -h)
        return decidedBehind == here ? (ahead - behind) / (2 * h) : nil
    }

    /// The part of A's gradient along the direction.
    func along(_ gradient: [Tensor]) throws -> Double {
        try zip(gradient, direction).reduce(0) { try $0 + ($1.0 * $1.1).sum().item() }
    }
}

@Suite("The exact hypergradient of tiny learners, against central differences of the whole step")
struct PipelineTests {
    private static let lfmPaths = ["direct", "class_weights", "w2", "w1", "generator", "discriminator"]

    /// Perturbs each occurrence of A alone, and all together; a point near a kink is left for that of the next seed.
    ///
    /// - Parameter zero: the paths whose terms are truly zero.
    private func check(_ setting: Pipeline.Setting, zero: Set<String> = []) throws {
        var settings = ExactHypergradient.Settings()
        settings.unrollSteps = setting.innerSteps
        for seed in 1...20 {
            let pipeline = try Pipeline(setting, seed: UInt64(seed))
            let here = try pipeline.outer(moving: [], by: 0).1
            #expect(here.decisions > 1000)
            let smallest = 3e-6
            guard try pipeline.slope(moving: Set(Self.lfmPaths), by: smallest, from: here) != nil else {
                continue
            }
            let found = try ExactHypergradient(settings).gradient(
                of: pipeline.problem, at: pipeline.problem.solve(innerSteps: setting.innerSteps),
                recording: nil)
            _ = pipeline.backend.takeDigest()
            for path in Self.lfmPaths + ["all"] {
                let moved = path == "all" ? Set(Self.lfmPaths) : [path]
                let term =
                    try path == "all"
                    ? pipeline.along(found.gradient)
                    : found.terms[path].map(pipeline.along) ?? 0
                #expect(
                    zero.contains(path) ? term == 0 : abs(term) > 1e-7,
                    "\(setting.name), seed \(seed), \(path): \(term)")
                var slopes: [Double] = []
                for h in [3e-5, 1e-5, smallest] {
                    guard let slope = try pipeline.slope(moving: moved, by: h, from: here) else { continue }
                    slopes.append(slope)
                    if abs(slope - term) <= 1e-6 * abs(slope) + 1e-10 { break }
                }
                let best = slopes.map { abs($0 - term) - 1e-6 * abs($0) }.min()
                #expect(
                    best.map { $0 <= 1e-10 } ?? false,
                    "\(setting.name), seed \(seed), \(path): slopes \(slopes), the gradient says \(term)")
            }
            return
        }
        Issue.record("\(setting.name): every seed has a kink within reach")
    }

    @Test("Every primitive of the search space", arguments: 0..<8)
    func primitives(_ primitive: Int) throws {
        try check(.init(name: "primitive \(primitive)", primitive: primitive), zero: ["discriminator"])
    }

    @Test("Plain steps, as the paper has them")
    func plain() throws {
        try check(
            .init(name: "plain") { settings in
                (settings.weights.momentum, settings.weights.weightDecay) = (0, 0)
            },
            zero: ["discriminator"])
    }

    @Test("G after H, by the minimax loss, a sum over images")
    func alternating() throws {
        try check(
            .init(
                name: "alternating", loss: .minimax
            ) { settings in
                (settings.ganUpdate, settings.syntheticSum) = (.alternating, .sum)
            })
    }

    @Test("Two inner steps, clipped, absent classes weighing nothing")
    func twoSteps() throws {
        try check(
            .init(
                name: "K = 2", weighter: ValidationLossWeighter(absentClasses: .zero), innerSteps: 2,
                validationLabels: [2, 0, 2]
            ) { $0.weights.clip = 0.5 })
    }

    @Test("Synthetic images alone, augmented; class weights by running statistics; absent classes estimated")
    func syntheticOnly() throws {
        try check(
            .init(name: "synthetic only", validationLabels: [1, 0, 0]) { settings in
                (settings.syntheticOnly, settings.augmentSynthetic) = (true, true)
                settings.weightingPass = .eval
            }, zero: ["discriminator"])
    }

    @Test("A discriminator of the generator's own, uniform weights")
    func native() throws {
        try check(
            .init(name: "native", weighter: UniformWeighter(), discriminator: .native),
            zero: ["class_weights", "w1", "generator", "discriminator"])
    }

    @Test("Without learning from mistakes, DARTS of second order")
    func plainSearch() throws {
        try check(
            .init(name: "lfm off", nodes: 2) { $0.lfm = false },
            zero: ["class_weights", "w1", "generator", "discriminator"])
    }
}
