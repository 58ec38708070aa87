import Cells
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine

/// Cells in the manner of PC-DARTS (Xu et al., 2020): one of `parts` channels goes through the candidates, the others
/// pass by, and each edge has a weight of its own, β.
public struct PartialChannelSpace: SearchSpace {
    private let channels = 4
    private let parts = 2
    private let candidates: CandidateEdges
    private let operations: [CellOperation] = [
        .zero, .skipConnect, .averagePool3x3, .separableConvolution(3),
    ]

    public init() throws { candidates = try CandidateEdges(nodes: 2, operations: operations) }

    /// α of both kinds of cells, then β of both.
    public var architecture: ModelLayout {
        let builder = LayoutBuilder()
        for kind in CellKind.allCases {
            _ = builder.root.parameter(kind.rawValue, candidates.shape, .normal(mean: 0, deviation: 0.1))
        }
        for kind in CellKind.allCases {
            _ = builder.root.parameter(
                "\(kind.rawValue)_edges", [candidates.edges.count], .normal(mean: 0, deviation: 0.1))
        }
        return builder.layout
    }

    public func supernet(for images: ImageSpecification) throws -> any Supernet {
        let stack = CellStack(channels: channels, cells: 3, stemMultiplier: 1, concatenated: { _ in 2 })
        let backbone = CellBackbone(
            stack, imageChannels: images.channels,
            cell: { [candidates, parts] scope, cell in
                SearchCell(scope, cell, nodes: candidates.nodes.count) { scope, index in
                    PartialChannelNode(scope, cell, candidates.nodes[index], parts: parts)
                }
            },
            mixing: { [candidates] architecture, context in
                var mixing: [CellKind: [NodeWeights]] = [:]
                for (index, kind) in CellKind.allCases.enumerated() {
                    mixing[kind] = try zip(
                        candidates.weights(
                            architecture[index], in: RelaxationPass(context, kind.rawValue)),
                        candidates.edgeWeights(architecture[2 + index])
                    ).map { weights, edges in
                        let count = edges.shape[0]
                        let weighted =
                            try weights.tensor.reshaped(to: [count, -1]) * edges.reshaped(to: [count, 1])
                        return NodeWeights(
                            try .concatenated([weighted.reshaped(to: [-1]), edges], axis: 0),
                            running: weights.running)
                    }
                }
                return mixing
            })
        return CellSupernet(backbone, classes: images.classes)
    }

    public func genotype(of architecture: [Tensor]) throws -> CellGenotype {
        func cell(_ index: Int) throws -> CellGenotype.Cell {
            try candidates.cell(architecture[index], beta: architecture[2 + index])
        }
        return CellGenotype(normal: try cell(0), reduction: try cell(1))
    }

    public func network(
        _ genotype: CellGenotype, _ settings: CellNetworkSettings, for images: ImageSpecification
    ) throws -> any Network {
        try DerivedNetwork(genotype, operations: operations, settings, stemMultiplier: 1, for: images)
    }
}

/// The candidates on a part of the channels, what passes by on the others, and the channels shuffled.
private struct PartialChannelNode: SearchNode {
    let mixed, passing: CellNode
    let channels, parts: Int

    init(_ scope: Scope, _ cell: CellStack.Cell, _ candidates: [[CellOperation]], parts: Int) {
        channels = cell.channels
        self.parts = parts
        mixed = CellNode(scope, candidates, channels: channels / parts, stride: cell.stride)
        passing = CellNode(
            candidates.indices.map { input in
                let stride = cell.stride(from: input)
                return (
                    input,
                    stride == 1
                        ? Identity()
                        : ComposedOperation { x, _ in
                            try x.maxPool(PoolingWindow(size: 2, stride: stride, padding: 0))
                        }
                )
            })
    }

    /// - Parameter weights: β·α of the operations, then β of the edges.
    func mixture(of states: [Tensor], weights: NodeWeights, _ context: ForwardContext) throws
        -> Tensor
    {
        let part = channels / parts
        let sums = try [
            mixed.sum(
                of: states.map { try $0.sliced(axis: 3, from: 0, count: part) },
                weights: weights.tensor.sliced(axis: 0, from: 0, count: mixed.edges.count),
                running: weights.running, context),
            passing.sum(
                of: states.map { try $0.sliced(axis: 3, from: part, count: channels - part) },
                weights: weights.tensor.sliced(
                    axis: 0, from: mixed.edges.count, count: passing.edges.count), context),
        ]
        let joined = try Tensor.concatenated(sums, axis: 3)
        return try joined.reshaped(to: [joined.shape.rows, parts, part]).transposed([0, 2, 1])
            .reshaped(to: joined.shape)
    }
}
