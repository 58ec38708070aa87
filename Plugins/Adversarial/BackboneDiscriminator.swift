import ErrataCore
import NeuralNetworks
import TensorEngine

/// The paper's discriminator: the search space's backbone with architecture A and weights H, and a class-conditional
/// head by projection.
public struct BackboneDiscriminator: Discriminator {
    public let layout: ModelLayout
    private let extractor: any FeatureExtractor
    private let head: ProjectionHead

    /// - Parameters:
    ///   - backbone: the search space's.
    ///   - classes: how many there are.
    ///   - bias: whether a constant is added to all scores; where a loss is of their differences alone it has no part.
    public init(_ backbone: any Backbone, classes: Int, bias: Bool = true) {
        let builder = LayoutBuilder()
        extractor = backbone.declare(in: builder.root["backbone"])
        head = ProjectionHead(
            builder.root, features: extractor.features, classes: classes, bias: bias,
            embedding: .normal(mean: 0, deviation: 1 / Double(extractor.features).squareRoot()))
        layout = builder.layout
    }

    public func scores(
        _ images: Tensor, labels: Tensor, architecture: [Tensor], _ context: ForwardContext
    ) throws -> Tensor {
        try head(
            extractor(images, architecture: architecture, context), labels: labels, context)
    }
}

/// Whose layers a discriminator has.
public enum DiscriminatorChoice: String, ConfigurationChoice {
    /// The search space's backbone with the architecture A, as in the paper.
    case backbone
    /// The generator's own.
    case native
}
