import ErrataCore
import NeuralNetworks
import TensorEngine

/// The fixture's space: two layers, each of which makes of h the mixture of identity, tanh and sigmoid of h·W.
struct MixtureSpace: SearchSpace {
    struct Genotype: GenotypeRepresentable {
        let description: String
        init(parsing text: String) { description = text }
    }

    struct NetworkSettings: Configuration {
        static var fields: [ConfigurationField<Self>] { [] }
    }

    var architecture: ModelLayout {
        let builder = LayoutBuilder()
        _ = builder.root.parameter("alpha", [2, 3], .zeros)
        return builder.layout
    }

    func supernet(for images: ImageSpecification) throws -> any Supernet { Mixture(images) }

    func genotype(of architecture: [Tensor]) throws -> Genotype { Genotype(parsing: "mixture") }

    func network(_ genotype: Genotype, _ settings: NetworkSettings, for images: ImageSpecification) throws
        -> any Network
    {
        throw GenotypeError("a mixture is no network by itself")
    }
}

private struct Mixture: Supernet, Backbone, FeatureExtractor {
    let layout: ModelLayout
    let features: Int
    private let layers: [Linear]
    private let classifier: Linear

    init(_ images: ImageSpecification) {
        let builder = LayoutBuilder()
        features = images.channels
        layers = (0..<2).map {
            Linear(
                builder.root["layers"][$0], inputs: images.channels, outputs: images.channels, bias: false)
        }
        classifier = Linear(
            builder.root["classifier"], inputs: images.channels, outputs: images.classes, bias: false)
        layout = builder.layout
    }

    var backbone: any Backbone { self }

    func declare(in scope: Scope) -> any FeatureExtractor { self }

    func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    {
        var hidden = try images.reshaped(to: [images.shape[0], features])
        let shares = try architecture[0].softmax()
        for (index, layer) in layers.enumerated() {
            let projected = try layer(hidden, context)
            func share(_ operation: Int) throws -> Tensor {
                try shares.sliced(axis: 0, from: index, count: 1).sliced(axis: 1, from: operation, count: 1)
            }
            hidden =
                try projected * share(0) + projected.tanh() * share(1) + projected.sigmoid() * share(2)
        }
        return hidden
    }

    func logits(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor {
        try classifier(self(images, architecture: architecture, context), context)
    }
}
