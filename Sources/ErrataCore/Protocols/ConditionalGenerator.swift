import NeuralNetworks
import TensorEngine

/// A class-conditional generator of images with its adversarial losses (Eq. 2, 7, 8).
public protocol ConditionalGenerator: Sendable {
    /// The generator's weights G.
    var layout: ModelLayout { get }
    /// The discriminator that plays against it.
    var discriminator: any Discriminator { get }
    /// The length of the noise vector z.
    var noiseSize: Int { get }

    /// Noise [N, noiseSize] and Int32 labels [N] → images [N, H, W, C] in [−1, 1].
    func images(noise: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor

    /// What H descends.
    func discriminatorLoss(_ batch: AdversarialBatch) throws -> Tensor

    /// What G descends, given the discriminator's scores [N] of generated images.
    func generatorLoss(generated scores: Tensor) throws -> Tensor
}

/// What a discriminator is trained on: as many real as generated images, of the same labels.
public struct AdversarialBatch: Sendable {
    /// [N, H, W, C] in [−1, 1].
    public let real: Tensor
    public let generated: Tensor
    /// For what the loss draws, such as points between real and generated images.
    public let random: RandomStream
    private let discriminator: @Sendable (Tensor) throws -> Tensor

    public init(
        real: Tensor, generated: Tensor, random: RandomStream,
        discriminator: @escaping @Sendable (Tensor) throws -> Tensor
    ) {
        self.real = real
        self.generated = generated
        self.random = random
        self.discriminator = discriminator
    }

    /// The discriminator's scores [N] of images, under the batch's labels.
    public func scores(_ images: Tensor) throws -> Tensor { try discriminator(images) }
}

extension ConditionalGenerator {
    /// Standard normal noise [count, noiseSize].
    public func noise(_ count: Int, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor
    {
        try backend.normal([count, noiseSize], dtype, from: stream)
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

/// The paper's discriminator: the search space's backbone with architecture A and weights H, and a
/// class-conditional head by projection, score = wᵀφ(x) + b + e_yᵀφ(x) (Miyato and Koyama, 2018, Eq. 3).
public struct BackboneDiscriminator: Discriminator {
    public let layout: ModelLayout
    private let extractor: any FeatureExtractor
    private let score: Linear
    private let classes: Embedding

    public init(_ backbone: any Backbone, classes count: Int) {
        let builder = LayoutBuilder()
        extractor = backbone.declare(in: builder.root["backbone"])
        score = Linear(builder.root["score"], inputs: extractor.features, outputs: 1)
        classes = Embedding(
            builder.root["classes"], classes: count, size: extractor.features,
            initializer: .normal(mean: 0, deviation: 1 / Double(extractor.features).squareRoot()))
        layout = builder.layout
    }

    public func scores(
        _ images: Tensor, labels: Tensor, architecture: [Tensor], _ context: ForwardContext
    ) throws -> Tensor {
        let features = try extractor(images, architecture: architecture, context)
        let unconditional = try score(features, context).reshaped(to: [images.shape[0]])
        return try unconditional + (classes(labels, context) * features).sum(axes: [1])
    }
}

/// Why a generator cannot be built.
public struct GeneratorError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
