import Cells
import ErrataCore
import NeuralNetworks
import TensorEngine

/// Cells in the manner of P-DARTS (Chen et al., 2019): after a stage every edge loses its weakest candidates, and what
/// skips is dropped less and less often within a stage.
public struct ProgressiveSpace: SearchSpace {
    private let channels = 2
    private let dropped = 2
    private let stage: Int
    private let candidates: [CellKind: CandidateEdges]

    private static let operations: [CellOperation] = [
        .zero, .maxPool3x3, droppedSkip(rate: 0.3), .separableConvolution(3), .dilatedConvolution(3),
    ]

    public init() throws {
        let edges = try CandidateEdges(nodes: 2, operations: Self.operations)
        self.init(stage: 0, [.normal: edges, .reduction: edges])
    }

    private init(stage: Int, _ candidates: [CellKind: CandidateEdges]) {
        self.stage = stage
        self.candidates = candidates
    }

    public var architecture: ModelLayout {
        let builder = LayoutBuilder()
        for kind in CellKind.allCases {
            _ = builder.root.parameter(
                kind.rawValue, candidates[kind]!.shape, .normal(mean: 0, deviation: 0.1))
        }
        return builder.layout
    }

    public func supernet(for images: ImageSpecification) throws -> any Supernet {
        CellSupernet(
            CellBackbone(
                CellStack(
                    channels: channels, cells: 3 + stage, stemMultiplier: 1, concatenated: { _ in 2 }),
                imageChannels: images.channels, candidates: candidates),
            classes: images.classes)
    }

    public func genotype(of architecture: [Tensor]) throws -> CellGenotype {
        CellGenotype(
            normal: try candidates[.normal]!.cell(architecture[0]),
            reduction: try candidates[.reduction]!.cell(architecture[1]))
    }

    public func network(
        _ genotype: CellGenotype, _ settings: CellNetworkSettings, for images: ImageSpecification
    ) throws -> any Network {
        try DerivedNetwork(genotype, operations: Self.operations, settings, stemMultiplier: 1, for: images)
    }

    public var stages: Int { 2 }

    public func next(after architecture: [Tensor]) throws -> ProgressiveSpace? {
        guard stage + 1 < stages else { return nil }
        var kept: [CellKind: CandidateEdges] = [:]
        for (kind, alpha) in zip(CellKind.allCases, architecture) {
            let edges = candidates[kind]!
            kept[kind] = try edges.keeping(edges.shape[1] - dropped, strongestIn: alpha)
        }
        return ProgressiveSpace(stage: stage + 1, kept)
    }

    public var narrowing: ConfigurationValue? {
        guard stage > 0 else { return nil }
        return Narrowing(
            stage: stage, normal: candidates[.normal]!.edges.map { $0.map(\.name) },
            reduction: candidates[.reduction]!.edges.map { $0.map(\.name) }
        ).encoded
    }

    public func narrowed(by narrowing: ConfigurationValue) throws -> ProgressiveSpace {
        let narrowing = try Narrowing(decoding: narrowing)
        func edges(_ kind: CellKind, _ names: [[String]]) throws -> CandidateEdges {
            try candidates[kind]!.replacing(
                names.map { names in
                    try OperationName.operations(names.map { OperationName($0) }, among: Self.operations)
                })
        }
        return ProgressiveSpace(
            stage: narrowing.stage,
            [
                .normal: try edges(.normal, narrowing.normal),
                .reduction: try edges(.reduction, narrowing.reduction),
            ])
    }

    /// A skip connection that is dropped with a rate that falls to 0 over a search's stage.
    private static func droppedSkip(rate: Double) -> CellOperation {
        CellOperation(CellOperation.skipConnect.name) { scope, channels, stride, affine in
            let skip = CellOperation.skipConnect.operation(
                scope, channels: channels, stride: stride, affine: affine)!
            guard !affine else { return skip }
            return ComposedOperation { x, context in
                let time = context.time
                let rate = rate * (1 - Double(time.epoch) / Double(time.epochs))
                let skipped = try skip(x, context)
                return context.isTraining ? try skipped.dropout(rate: rate, from: context.random) : skipped
            }
        }
    }
}

private struct Narrowing: Configuration {
    var stage = 1
    var normal: [[String]] = []
    var reduction: [[String]] = []

    init() {}

    init(stage: Int, normal: [[String]], reduction: [[String]]) {
        self.stage = stage
        self.normal = normal
        self.reduction = reduction
    }

    static var fields: [ConfigurationField<Self>] {
        [
            .init("stage", \.stage, "the stage, from 0", .within(1...1)),
            .init("normal", \.normal, "operations left on each edge", .count(5)),
            .init("reduce", \.reduction, "operations left on each edge", .count(5)),
        ]
    }
}
