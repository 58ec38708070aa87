import ErrataCore
import NeuralNetworks
import TensorEngine

/// A space without cells: a chain of layers, each of which chooses an operation, with the expected number of
/// multiplications as a penalty.
public struct ChainSpace: SearchSpace {
    private let layers = 3
    private let channels = 4
    /// The penalty of one multiplication a pixel.
    private let price: Double

    public init(price: Double = 0.01) { self.price = price }

    public var architecture: ModelLayout {
        let builder = LayoutBuilder()
        _ = builder.root.parameter(
            "layers", [layers, ChainOperation.allCases.count], .normal(mean: 0, deviation: 0.1))
        return builder.layout
    }

    public func supernet(for images: ImageSpecification) throws -> any Supernet {
        ChainSupernet(
            ChainBackbone(layers: layers, channels: channels, imageChannels: images.channels),
            classes: images.classes)
    }

    /// The operation of the largest weight in each layer.
    public func genotype(of architecture: [Tensor]) throws -> ChainGenotype {
        let values = try architecture[0].doubles()
        let count = ChainOperation.allCases.count
        return ChainGenotype(
            layers: (0..<layers).map { layer in
                let row = Array(values[(layer * count)..<((layer + 1) * count)])
                return ChainOperation.allCases[row.indices.max { row[$0] < row[$1] }!]
            })
    }

    public func network(
        _ genotype: ChainGenotype, _ settings: ChainNetworkSettings, for images: ImageSpecification
    ) throws -> any Network {
        ChainNetwork(genotype, settings, images)
    }

    public func penalty(_ architecture: [Tensor], at time: TrainingTime) throws -> Tensor? {
        let costs = try architecture[0].backend.tensor(
            ChainOperation.allCases.map { Double($0.multiplications(channels: channels)) },
            [ChainOperation.allCases.count]
        ).cast(to: architecture[0].dtype)
        return try (architecture[0].softmax() * costs).sum() * price
    }
}

/// What a layer may be.
public enum ChainOperation: String, ConfigurationChoice {
    case wide = "conv_3x3"
    case narrow = "conv_1x1"
    case identity

    /// A pixel.
    public func multiplications(channels: Int) -> Int {
        switch self {
        case .wide: 9 * channels * channels
        case .narrow: channels * channels
        case .identity: 0
        }
    }
}

/// An operation for each layer: `Chain(conv_3x3, identity, conv_1x1)`.
public struct ChainGenotype: GenotypeRepresentable {
    public var layers: [ChainOperation]

    public init(layers: [ChainOperation]) { self.layers = layers }

    public var description: String { "Chain(\(layers.map(\.rawValue).joined(separator: ", ")))" }

    public init(parsing text: String) throws {
        guard let start = text.ranges(of: "Chain(").last?.upperBound,
            let end = text[start...].firstIndex(of: ")")
        else { throw GenotypeError("expected 'Chain(conv_3x3, …)', found none", isAbsent: true) }
        layers = try text[start..<end].split(separator: ",").map { part in
            guard let operation = ChainOperation(rawValue: part.filter { !$0.isWhitespace }) else {
                throw GenotypeError(
                    "'\(part)' is no operation",
                    at: text.distance(from: text.startIndex, to: part.startIndex),
                    of: Array(text))
            }
            return operation
        }
    }

    public static var codec: ConfigurationCodec<Self> {
        .genotype(as: ChainForm.self, from: { Self(layers: $0.layers) }, form: { ChainForm($0.layers) })
    }
}

private struct ChainForm: Configuration {
    var layers: [ChainOperation] = []

    init() {}
    init(_ layers: [ChainOperation]) { self.layers = layers }

    static var fields: [ConfigurationField<Self>] {
        [.init("layers", \.layers, "an operation for each layer", .notEmpty)]
    }
}

/// The size of a chain's evaluation network.
public struct ChainNetworkSettings: Configuration {
    public var channels = 8

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [.init("channels", \.channels, "channels of every layer", .within(1...64))]
    }
}

/// A convolution and batch norm, or nothing.
private struct ChainLayer: Sendable {
    private let convolution: Convolution?
    private let norm: BatchNorm?

    init(_ scope: Scope, _ operation: ChainOperation, channels: Int) {
        switch operation {
        case .identity: (convolution, norm) = (nil, nil)
        case .wide, .narrow:
            convolution = Convolution(
                scope["convolution"], inputs: channels, outputs: channels,
                kernel: operation == .wide ? 3 : 1)
            norm = BatchNorm(scope["norm"], channels: channels)
        }
    }

    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        guard let convolution, let norm else { return x }
        return try norm(convolution(x, context), context).relu()
    }
}

private struct ChainNetwork: Network {
    let layout: ModelLayout
    private let stem: Convolution
    private let layers: [ChainLayer]
    private let classifier: Linear

    init(_ genotype: ChainGenotype, _ settings: ChainNetworkSettings, _ images: ImageSpecification) {
        let builder = LayoutBuilder()
        let root = builder.root
        stem = Convolution(
            root["stem"], inputs: images.channels, outputs: settings.channels, kernel: 3, bias: true)
        layers = genotype.layers.enumerated().map {
            ChainLayer(root["layers"][$0], $1, channels: settings.channels)
        }
        classifier = Linear(root["classifier"], inputs: settings.channels, outputs: images.classes)
        layout = builder.layout
    }

    func logits(_ images: Tensor, _ context: ForwardContext) throws -> Tensor {
        var x = try stem(images, context)
        for layer in layers { x = try layer(x, context) }
        return try classifier(x.globalAveragePool(), context)
    }
}

private struct ChainSupernet: Supernet {
    let layout: ModelLayout
    let backbone: any Backbone
    private let features: any FeatureExtractor
    private let classifier: Linear

    init(_ backbone: ChainBackbone, classes: Int) {
        let builder = LayoutBuilder()
        self.backbone = backbone
        features = backbone.declare(in: builder.root)
        classifier = Linear(builder.root["classifier"], inputs: features.features, outputs: classes)
        layout = builder.layout
    }

    func logits(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor {
        try classifier(features(images, architecture: architecture, context), context)
    }
}

private struct ChainBackbone: Backbone {
    let layers, channels, imageChannels: Int

    func declare(in scope: Scope) -> any FeatureExtractor {
        ChainFeatures(
            features: channels,
            stem: Convolution(
                scope["stem"], inputs: imageChannels, outputs: channels, kernel: 3, bias: true),
            layers: (0..<layers).map { layer in
                ChainOperation.allCases.map {
                    ChainLayer(scope["layers"][layer][$0.rawValue], $0, channels: channels)
                }
            })
    }
}

private struct ChainFeatures: FeatureExtractor {
    let features: Int
    let stem: Convolution
    let layers: [[ChainLayer]]

    func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    {
        let weights = try architecture[0].softmax()
        var x = try stem(images, context)
        for (index, layer) in layers.enumerated() {
            let row = try weights.sliced(axis: 0, from: index, count: 1).reshaped(to: [-1])
            let branches = try layer.enumerated().map { column, operation in
                try operation(x, context) * row.sliced(axis: 0, from: column, count: 1)
            }
            x = try branches.dropFirst().reduce(branches[0]) { try $0 + $1 }
        }
        return try x.globalAveragePool()
    }
}
