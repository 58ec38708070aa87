import Adversarial
import ErrataCore
import Multilevel
import NeuralNetworks
import Synchronization
import TensorEngine

/// A Wasserstein generator with gradient penalty (Gulrajani et al., 2017) as small as can be: several critic steps, a
/// moving average, and a critic with a spectrally normalised layer (Miyato et al., 2018) on the space's backbone.
struct PenalizedGenerator: ConditionalGenerator {
    let layout: ModelLayout
    let discriminator: any Discriminator
    var training: AdversarialTraining
    private let images: ImageSpecification
    private let layer: Linear

    init(_ context: GeneratorContext, criticSteps: Int = 3, frozen: FrozenIterations? = nil) {
        images = context.images
        let builder = LayoutBuilder()
        layer = Linear(
            builder.root["layer"], inputs: 3 + images.classes,
            outputs: images.height * images.width * images.channels)
        layout = builder.layout
        discriminator = SpectralCritic(context, frozen)
        let descent = Descent(rate: 0.01, Adam(beta1: 0, beta2: 0.9))
        training = AdversarialTraining(generator: descent, discriminator: descent)
        (training.criticSteps, training.isSimultaneous, training.average) = (criticSteps, false, 0.5)
    }

    var metrics: [MetricDeclaration] { [MetricDeclaration("gradient_penalty", "(‖∇H(x̂)‖ − 1)²")] }

    func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor
    {
        try backend.normal([count, 3], dtype, from: stream)
    }

    func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        let input = try Tensor.concatenated([noise, labels.oneHot(images.classes, noise.dtype)], axis: 1)
        return try layer(input, context).tanh()
            .reshaped(to: [noise.shape[0], images.height, images.width, images.channels])
    }

    func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        let real = game.real
        let share = try real.backend.uniform(
            [real.shape[0], 1, 1, 1], real.dtype, in: 0...1, from: game.random)
        let between = try share * real + (1 - share) * game.generated
        let norms = try game.scoreGradient(at: between).squared().sum(axes: [1, 2, 3]).squareRootFlatAtZero()
        let penalty = try (norms - 1).squared().mean()
        var result = Evaluation(
            try game.scores(game.generated).mean() - game.scores(real).mean() + penalty * 10)
        result.metrics["gradient_penalty"] = try penalty.item()
        return result
    }

    func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(try game.scores(game.generated).mean().negated())
    }
}

/// A class-conditional critic: backbone → a layer divided by its largest singular value → tanh → projection.
struct SpectralCritic: Discriminator {
    let layout: ModelLayout
    private let extractor: any FeatureExtractor
    private let weight: Parameter
    private let u: Buffer
    private let head: ProjectionHead
    private let frozen: FrozenIterations?

    init(_ context: GeneratorContext, _ frozen: FrozenIterations?) {
        let builder = LayoutBuilder()
        extractor = context.backbone.declare(in: builder.root["backbone"])
        let scope = builder.root["spectral"]
        weight = scope.parameter("weight", [extractor.features, 4], .normal(mean: 0, deviation: 1))
        u = scope.buffer("u", [1, 4], .normal(mean: 0, deviation: 1))
        head = ProjectionHead(
            builder.root, features: 4, classes: context.images.classes,
            embedding: .normal(mean: 0, deviation: 0.5))
        layout = builder.layout
        self.frozen = frozen
    }

    /// One step of the power iteration: the next v [features, 1] and u [1, 4].
    static func iterate(_ weight: Tensor, _ u: Tensor) throws -> [Tensor] {
        func unit(_ x: Tensor) throws -> Tensor { try x / x.squared().sum().squareRoot() }
        let v = try unit(weight.matmul(u.transposed()))
        return [v, try unit(v.transposed().matmul(weight))]
    }

    func scores(_ images: Tensor, labels: Tensor, architecture: [Tensor], _ context: ForwardContext) throws
        -> Tensor
    {
        let features = try extractor(images, architecture: architecture, context)
        let weight = context[weight]
        let iterate = { [u = context[u]] in try Self.iterate(weight.detached, u) }
        let next = try frozen?.value(iterate) ?? iterate()
        context.update(u) { next[1] }
        let norm = try next[0].transposed().matmul(weight).matmul(next[1].transposed()).reshaped(to: .scalar)
        return try head(features.matmul(weight / norm).tanh(), labels: labels, context)
    }
}

/// Holds power iterations, which differentiation takes for constants, at what they were in a first solution.
final class FrozenIterations: Sendable {
    private struct Tape {
        var values: [[Tensor]] = []
        var next: Int?
        var isRecording = false
    }

    private let tape = Mutex(Tape())

    /// At the first call begins to record, at later ones goes back to the start.
    func rewind() {
        tape.withLock { tape in
            tape.isRecording = tape.next == nil
            tape.next = 0
        }
    }

    func value(_ compute: () throws -> [Tensor]) throws -> [Tensor] {
        let held = tape.withLock { tape -> [Tensor]? in
            guard !tape.isRecording, let next = tape.next, next < tape.values.count else { return nil }
            tape.next = next + 1
            return tape.values[next]
        }
        if let held { return held }
        let value = try compute()
        tape.withLock { if $0.isRecording { $0.values.append(value) } }
        return value
    }
}
