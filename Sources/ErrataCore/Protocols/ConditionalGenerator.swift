import Multilevel
import NeuralNetworks
import TensorEngine

/// A class-conditional generator of images with its adversarial losses (Eq. 2, 7, 8).
public protocol ConditionalGenerator: Sendable {
    /// The generator's weights G.
    var layout: ModelLayout { get }
    /// The discriminator that plays against it.
    var discriminator: any Discriminator { get }
    /// How the two train.
    var training: AdversarialTraining { get }
    /// What the losses' evaluations report; nothing by default.
    var metrics: [MetricDeclaration] { get }

    /// The noise z [N, …] for so many images. Truncation, where there is one, is this function's.
    func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor

    /// Noise and Int32 labels [N] → images [N, H, W, C] in [−1, 1].
    func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor

    /// What H descends.
    func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation

    /// What G descends.
    func generatorLoss(_ game: AdversarialGame) throws -> Evaluation
}

extension ConditionalGenerator {
    public var metrics: [MetricDeclaration] { [] }
}

/// How a generator and its discriminator train.
public struct AdversarialTraining: Sendable {
    public var generator: Descent
    public var discriminator: Descent
    /// Whether G and H step from the same point (Eq. 7, 8); else G steps after H.
    public var isSimultaneous = true
    /// How many steps H takes for one of G.
    public var criticSteps = 1
    /// How many batches' gradients each step averages.
    public var accumulation = 1
    /// The decay of the moving average of G's weights; none is kept where absent.
    public var average: Double?

    public init(generator: Descent, discriminator: Descent) {
        self.generator = generator
        self.discriminator = discriminator
    }
}

/// What the losses of one step of a game are computed from.
public struct AdversarialGame: Sendable {
    /// Real images [N, H, W, C] in [−1, 1].
    public let real: Tensor
    /// As many generated ones, of the same labels.
    public let generated: Tensor
    /// Int32 [N].
    public let labels: Tensor
    /// For what the loss draws, such as points between real and generated images.
    public let random: RandomStream
    /// G, for regularisers of the weights themselves.
    public let generator: [Tensor]
    /// H.
    public let discriminator: [Tensor]
    private let score: Score

    /// H's scores [N] of images under labels. By the batch's statistics each call is a pass of its own, which moves
    /// running ones; by running statistics it moves none, and sees them as they were before the loss.
    public typealias Score =
        @Sendable (_ images: Tensor, _ labels: Tensor, _ normalization: NormalizationMode) throws -> Tensor

    /// - Parameters:
    ///   - real: [N, H, W, C] in [−1, 1].
    ///   - generated: as many, of the same labels, [N, H, W, C] in [−1, 1].
    ///   - labels: Int32 [N].
    ///   - random: for what the loss draws.
    ///   - generator: G, by its layout.
    ///   - discriminator: H, by its layout.
    ///   - score: H's scores.
    public init(
        real: Tensor, generated: Tensor, labels: Tensor, random: RandomStream, generator: [Tensor],
        discriminator: [Tensor], score: @escaping Score
    ) {
        self.real = real
        self.generated = generated
        self.labels = labels
        self.random = random
        self.generator = generator
        self.discriminator = discriminator
        self.score = score
    }

    /// H's scores [N] of images, under the game's labels or others.
    public func scores(
        _ images: Tensor, labels: Tensor? = nil, normalization: NormalizationMode = .batch
    ) throws -> Tensor {
        try score(images, labels ?? self.labels, normalization)
    }

    /// The gradient of the sum of all scores with respect to each image [N, H, W, C]: what a gradient penalty is of.
    /// That is the gradient of the image's own score where a score depends on its image alone, which batch norm by the
    /// batch's statistics undoes. It can be differentiated again, in H and along the images' own path to where they
    /// come from.
    public func scoreGradient(
        at images: Tensor, labels: Tensor? = nil, normalization: NormalizationMode = .batch
    ) throws -> Tensor {
        let images = images.isDifferentiable ? images.alias : images.variable
        return try gradients(
            of: scores(images, labels: labels, normalization: normalization).sum(), withRespectTo: [images],
            createGraph: true)[0]
    }
}

/// Judges whether an image is real, given its class: images in [−1, 1].
public protocol Discriminator: Sendable {
    /// The discriminator's weights H.
    var layout: ModelLayout { get }
    /// Whether its scores depend on A; true by default. Where not, no hypergradient differentiates them for A.
    var dependsOnArchitecture: Bool { get }
    /// [N, H, W, C] in [−1, 1] and Int32 labels [N] → scores [N], larger for more real.
    func scores(_ images: Tensor, labels: Tensor, architecture: [Tensor], _ context: ForwardContext) throws
        -> Tensor
}

extension Discriminator {
    public var dependsOnArchitecture: Bool { true }
}

/// Why a generator cannot be built.
public struct GeneratorError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
