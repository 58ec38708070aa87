import ErrataCore
import NeuralNetworks
import TensorEngine

/// The space of DARTS (Liu, Simonyan and Yang, 2019): cells of two inputs and some nodes, each edge a mixture
/// of eight operations, with one set of architecture parameters for all normal and one for all reduction cells.
public struct DARTSSearchSpace: SearchSpace {
    public let configuration: DARTSConfiguration

    public init(_ configuration: DARTSConfiguration = .init()) { self.configuration = configuration }

    private var edges: Int { (0..<configuration.nodes).reduce(0) { $0 + $1 + 2 } }

    public var architecture: ModelLayout {
        let builder = LayoutBuilder()
        for name in ["normal", "reduce"] {
            _ = builder.root.parameter(
                name, [edges, Primitive.allCases.count],
                .normal(mean: 0, deviation: configuration.initialDeviation))
        }
        return builder.layout
    }

    public func supernet(for images: ImageSpecification) throws -> any Supernet {
        DARTSSupernet(
            DARTSBackbone(configuration: configuration, imageChannels: images.channels),
            classes: images.classes)
    }

    public var operations: [String] { Primitive.computing.map(\.rawValue) }

    /// DARTS, section 2.4: for each node the two edges whose best operation is strongest, `none` left out.
    public func genotype(of architecture: [Tensor]) throws -> Genotype {
        Genotype(normal: try cell(architecture[0]), reduction: try cell(architecture[1]))
    }

    private func cell(_ architecture: Tensor) throws -> Genotype.Cell {
        let weights = try architecture.detached.softmax().doubles()
        let columns = Primitive.allCases.count
        var edges: [Genotype.Edge] = []
        var first = 0
        for node in 0..<configuration.nodes {
            let candidates = (0..<(node + 2)).map { input -> (weight: Double, edge: Genotype.Edge) in
                let row = weights[((first + input) * columns)..<((first + input + 1) * columns)]
                // The first of equals, as a loop over operations with `>` finds it.
                var best = 1
                for column in 2..<columns where row[row.startIndex + column] > row[row.startIndex + best] {
                    best = column
                }
                return (
                    row[row.startIndex + best], Genotype.Edge(Primitive.allCases[best].rawValue, input)
                )
            }
            let ranked = candidates.enumerated().sorted {
                ($1.element.weight, $0.offset) < ($0.element.weight, $1.offset)
            }
            edges += ranked.prefix(2).map(\.element.edge)
            first += node + 2
        }
        return Genotype.Cell(edges: edges)
    }

    public func network(_ genotype: Genotype, _ settings: NetworkSettings, for images: ImageSpecification)
        throws
        -> any Classifier
    {
        try genotype.validate(operations: operations)
        return try DiscreteNetwork(
            genotype, settings, stemMultiplier: configuration.stemMultiplier, for: images)
    }
}

extension Genotype {
    /// The cells published for DARTS of first order.
    public static let dartsV1 = Genotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 0), Edge("skip_connect", 0),
            Edge("sep_conv_3x3", 1),
            Edge("skip_connect", 0), Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 0),
            Edge("skip_connect", 2),
        ]),
        reduction: Cell(edges: [
            Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1), Edge("skip_connect", 2),
            Edge("max_pool_3x3", 0),
            Edge("max_pool_3x3", 0), Edge("skip_connect", 2), Edge("skip_connect", 2),
            Edge("avg_pool_3x3", 0),
        ]))

    /// The cells published for DARTS of second order.
    public static let dartsV2 = Genotype(
        normal: Cell(edges: [
            Edge("sep_conv_3x3", 0), Edge("sep_conv_3x3", 1), Edge("sep_conv_3x3", 0),
            Edge("sep_conv_3x3", 1),
            Edge("sep_conv_3x3", 1), Edge("skip_connect", 0), Edge("skip_connect", 0),
            Edge("dil_conv_3x3", 2),
        ]),
        reduction: Cell(edges: [
            Edge("max_pool_3x3", 0), Edge("max_pool_3x3", 1), Edge("skip_connect", 2),
            Edge("max_pool_3x3", 1),
            Edge("max_pool_3x3", 0), Edge("skip_connect", 2), Edge("skip_connect", 2),
            Edge("max_pool_3x3", 1),
        ]))
}
