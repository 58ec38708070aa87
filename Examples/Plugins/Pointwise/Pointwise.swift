import Cells
import ErrataCore
import NeuralNetworks
import TensorEngine

/// Cells of two nodes that choose between skip connections, pools and 1×1 convolutions.
struct PointwiseSpace: SearchSpace {
    private static let operations: [CellOperation] = [
        .zero, .skipConnect, .maxPool3x3,
        CellOperation("conv_1x1") { scope, channels, stride, affine in
            let convolution = Convolution(
                scope, inputs: channels, outputs: channels, kernel: 1, stride: stride)
            let norm = BatchNorm(scope["norm"], channels: channels, affine: affine)
            return ComposedOperation { x, context in try norm(convolution(x.relu(), context), context) }
        },
    ]
    private let candidates: CandidateEdges

    init() throws { candidates = try CandidateEdges(nodes: 2, operations: Self.operations) }

    var architecture: ModelLayout {
        let builder = LayoutBuilder()
        for kind in CellKind.allCases {
            _ = builder.root.parameter(kind.rawValue, candidates.shape, .normal(mean: 0, deviation: 1e-3))
        }
        return builder.layout
    }

    func supernet(for images: ImageSpecification) throws -> any Supernet {
        let stack = CellStack(channels: 4, cells: 3, stemMultiplier: 1, concatenated: { _ in 2 })
        let edges: [CellKind: CandidateEdges] = [.normal: candidates, .reduction: candidates]
        return CellSupernet(
            CellBackbone(stack, imageChannels: images.channels, candidates: edges), classes: images.classes)
    }

    func genotype(of architecture: [Tensor]) throws -> CellGenotype {
        CellGenotype(
            normal: try candidates.cell(architecture[0]), reduction: try candidates.cell(architecture[1]))
    }

    func network(_ genotype: CellGenotype, _ settings: CellNetworkSettings, for images: ImageSpecification)
        throws -> any Network
    {
        try DerivedNetwork(genotype, operations: Self.operations, settings, stemMultiplier: 1, for: images)
    }
}

public struct PointwisePlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init("pointwise", "cells of 1×1 convolutions") { try PointwiseSpace() })
    }
}
