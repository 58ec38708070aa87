import Cells
import ErrataCore
import NeuralNetworks
import TensorEngine

/// The space of DARTS (Liu, Simonyan and Yang, 2019): cells of two inputs and some nodes, each edge a mixture
/// of candidate operations, with one set of architecture parameters for all normal and one for all reduction cells.
public struct DARTSSearchSpace: SearchSpace {
    public let configuration: DARTSConfiguration
    private let operations: [CellOperation]
    private let candidates: CandidateEdges

    /// The eight operations of DARTS, in the order of its architecture parameters' columns.
    public static let operations: [CellOperation] = [
        .zero, .maxPool3x3, .averagePool3x3, .skipConnect, .separableConvolution(3), .separableConvolution(5),
        .dilatedConvolution(3), .dilatedConvolution(5),
    ]

    /// - Parameters:
    ///   - configuration: the supernet's size and candidates.
    ///   - operations: what `configuration.operations` may name, and its default.
    /// - Throws: `ConfigurationErrors` if the configuration names other operations.
    public init(
        _ configuration: DARTSConfiguration = .init(), operations: [CellOperation] = Self.operations
    ) throws {
        self.configuration = configuration
        self.operations = try OperationName.operations(
            configuration.operations ?? operations.map { OperationName($0.name) }, among: operations)
        candidates = try CandidateEdges(nodes: configuration.nodes, operations: self.operations)
    }

    public var architecture: ModelLayout {
        let builder = LayoutBuilder()
        for kind in CellKind.allCases {
            _ = builder.root.parameter(
                kind.rawValue, candidates.shape, .normal(mean: 0, deviation: configuration.initialDeviation))
        }
        return builder.layout
    }

    /// - Throws: `SettingError` if there are too few cells to have both kinds.
    public func supernet(for images: ImageSpecification) throws -> any Supernet {
        let stack = CellStack(
            channels: configuration.channels, cells: configuration.cells,
            stemMultiplier: configuration.stemMultiplier, concatenated: { _ in configuration.nodes })
        try stack.requireBothKinds("search_space.cells")
        return CellSupernet(
            CellBackbone(
                stack, imageChannels: images.channels,
                candidates: [.normal: candidates, .reduction: candidates]),
            classes: images.classes)
    }

    /// DARTS, section 2.4: for each node the two edges whose best operation is strongest, `none` left out.
    public func genotype(of architecture: [Tensor]) throws -> CellGenotype {
        CellGenotype(
            normal: try candidates.cell(architecture[0]), reduction: try candidates.cell(architecture[1]))
    }

    public func network(
        _ genotype: CellGenotype, _ settings: CellNetworkSettings, for images: ImageSpecification
    ) throws -> any Network {
        try DerivedNetwork(
            genotype, operations: operations, settings, stemMultiplier: configuration.stemMultiplier,
            for: images)
    }

    public var signs: [MetricDeclaration] { CollapseSigns.declarations }

    public func signs(of architecture: [Tensor]) throws -> [String: Double] {
        try CollapseSigns.values(genotype(of: architecture)) { kind in
            try candidates.entropy(architecture[kind == .normal ? 0 : 1])
        }
    }
}
