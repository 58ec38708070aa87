import Cells
import ErrataCore
import NeuralNetworks
import TensorEngine

/// The size of the supernet, and how it is searched.
public struct NASBench201Settings: Configuration, Hashable {
    /// Of the first stage's cells; the next stages have two and four times as many.
    public var channels = 16
    /// N: cells of each of the three stages.
    public var cells = 5
    /// The standard deviation of the first architecture parameters.
    public var initialDeviation = 1e-3
    /// How architecture parameters become weights.
    public var relaxation = Choice<RelaxationKind>("softmax", SoftmaxRelaxation())
    /// Where the benchmark's results are, in which each epoch's cell is looked up; nil for nowhere.
    public var table: PathSetting?

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("channels", \.channels, "channels of the first stage's cells", .within(1...4096)),
            .init("cells", \.cells, "N, the cells of each of the three stages", .within(1...100)),
            .init(
                "initial_deviation", \.initialDeviation,
                "the standard deviation of the first architecture parameters", .atLeast(0)),
            .init("relaxation", \.relaxation, "how architecture parameters become weights"),
            .init(
                "table", \.table,
                "the benchmark's results, in which each epoch's cell is looked up: a CSV file, or the folder of NATS-Bench's "
                    + "topology search space"),
        ]
    }
}

/// The size of a network that is trained: by default the benchmark's own.
public struct NASBench201NetworkSettings: Configuration, Hashable {
    public var channels = 16
    public var cells = 5

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("channels", \.channels, "channels of the first stage's cells", .within(1...4096)),
            .init("cells", \.cells, "N, the cells of each of the three stages", .within(1...100)),
        ]
    }
}

/// NAS-Bench-201's topology search space (Dong and Yang, 2020): a cell of four nodes and six edges, each of which is one of
/// five operations, repeated in a fixed skeleton.
public struct NASBench201Space: SearchSpace {
    private let settings: NASBench201Settings
    private let edges: CandidateEdges
    private let table: (any NASBench201Table)?

    /// - Throws: `NASBench201TableError` if the table cannot be read.
    public init(_ settings: NASBench201Settings = .init()) throws {
        self.settings = settings
        let operations = NASBench201Operation.allCases.map(\.cellOperation)
        edges = try CandidateEdges(
            nodes: (1...3).map { Array(repeating: operations, count: $0) },
            relaxation: settings.relaxation.product)
        table = try settings.table.map { try readTable(at: $0.path) }
    }

    /// α [edges, operations].
    public var architecture: ModelLayout {
        let builder = LayoutBuilder()
        _ = builder.root.parameter(
            "cell", edges.shape,
            edges.relaxation.initializer ?? .normal(mean: 0, deviation: settings.initialDeviation))
        return builder.layout
    }

    public func supernet(for images: ImageSpecification) throws -> any Supernet {
        try Skeleton<NASBench201Cell>.require(images)
        let relaxation = edges.relaxation
        let changed = try edges.mapping { operation in
            operation.followed(by: relaxation.transformation(of: operation.name))
        }
        return CellSupernet(
            NASBench201Backbone(settings: settings, imageChannels: images.channels, edges: changed),
            classes: images.classes, relaxation: relaxation, parts: 1)
    }

    /// The strongest operation of every edge, `none` too; the first of equals.
    public func genotype(of architecture: [Tensor]) throws -> NASBench201Genotype {
        let strengths = try edges.relaxation.strengths(architecture[0].detached.cast(to: .float64)).doubles()
        let all = NASBench201Operation.allCases
        return NASBench201Genotype(
            edges.edges.indices.map { edge in
                let row = Array(strengths[(edge * all.count)..<((edge + 1) * all.count)])
                return all[row.indices.dropFirst().reduce(0) { row[$1] > row[$0] ? $1 : $0 }]
            })
    }

    public func network(
        _ genotype: NASBench201Genotype, _ settings: NASBench201NetworkSettings,
        for images: ImageSpecification
    ) throws -> any Network {
        try Skeleton<NASBench201Cell>.require(images)
        return NASBench201Network(genotype, settings, images)
    }

    /// What the relaxation adds to A's objective.
    public func penalty(_ architecture: [Tensor], at time: TrainingTime) throws -> Tensor? {
        try edges.relaxation.penalty(architecture, at: time)
    }

    public func rankings(of architecture: [Tensor]) throws -> [[Int]] { try edges.rankings(architecture[0]) }

    /// Skip connections and absent edges of the cell, how decided the architecture is, and the cell's accuracies where there
    /// is a table.
    public var signs: [MetricDeclaration] {
        [
            MetricDeclaration("skips", "skip connections of the genotype"),
            MetricDeclaration("absent_edges", "edges of the genotype that are none"),
            MetricDeclaration("entropy", "mean entropy of the candidates' strengths over the edges, in nats"),
        ]
            + (table?.columns ?? []).map {
                MetricDeclaration(
                    "table_\($0)", "the genotype's '\($0)' in the benchmark's table, in percent")
            }
    }

    public func signs(of architecture: [Tensor]) throws -> [String: Double] {
        let genotype = try genotype(of: architecture)
        var signs = [
            "skips": Double(genotype.operations.count { $0 == .skipConnect }),
            "absent_edges": Double(genotype.operations.count { $0 == .none }),
            "entropy": try edges.entropy(architecture[0]),
        ]
        for (column, value) in try table?.values(of: genotype) ?? [:] { signs["table_\(column)"] = value }
        return signs
    }
}

/// The skeleton with cells of mixed operations.
private struct NASBench201Backbone: Backbone {
    let settings: NASBench201Settings
    let imageChannels: Int
    let edges: CandidateEdges

    func declare(in scope: Scope) -> any FeatureExtractor {
        NASBench201Features(
            edges: edges,
            skeleton: Skeleton(
                scope, inputs: imageChannels, channels: settings.channels, cells: settings.cells
            ) { NASBench201Cell($0, mixing: edges, channels: $1) })
    }
}

private struct NASBench201Features: FeatureExtractor {
    let edges: CandidateEdges
    let skeleton: Skeleton<NASBench201Cell>

    var features: Int { skeleton.features }

    func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    {
        var pass = RelaxationPass(context, "cell")
        pass.perturbation = architecture.count > 1 ? architecture[1] : nil
        let weights = try edges.weights(architecture[0], in: pass)
        let running = weights.map(\.running)
        return try skeleton(images, weights.map(\.tensor), context) { cell, inputs, context in
            try cell(
                inputs[0], weights: zip(inputs[1...], running).map { NodeWeights($0, running: $1) }, context)
        }
    }
}

/// The skeleton with a genotype's cells.
private struct NASBench201Network: Network {
    let layout: ModelLayout
    private let skeleton: Skeleton<NASBench201Cell>
    private let classifier: Linear

    init(
        _ genotype: NASBench201Genotype, _ settings: NASBench201NetworkSettings, _ images: ImageSpecification
    ) {
        let builder = LayoutBuilder()
        skeleton = Skeleton(
            builder.root, inputs: images.channels, channels: settings.channels, cells: settings.cells
        ) { NASBench201Cell($0, genotype, channels: $1) }
        classifier = Linear(builder.root["classifier"], inputs: skeleton.features, outputs: images.classes)
        layout = builder.layout
    }

    func logits(_ images: Tensor, _ context: ForwardContext) throws -> Tensor {
        try classifier(skeleton(images, [], context) { try $0($1[0], $2) }, context)
    }
}
