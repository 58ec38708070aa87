import ErrataCore
import NeuralNetworks
import TensorEngine

/// The network of mixed operations (DARTS, section 2.2), with a classifying layer.
struct DARTSSupernet: Supernet {
    let layout: ModelLayout
    let backbone: any Backbone
    private let features: any FeatureExtractor
    private let classifier: Linear

    init(_ backbone: DARTSBackbone, classes: Int) {
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

/// Stem, cells and global pooling.
struct DARTSBackbone: Backbone {
    let configuration: DARTSConfiguration
    let imageChannels: Int

    func declare(in scope: Scope) -> any FeatureExtractor {
        DARTSFeatures(scope, configuration, imageChannels: imageChannels)
    }
}

private struct DARTSFeatures: FeatureExtractor {
    let features: Int
    private let stem: Stem
    private let cells: [Checkpointed<SearchCell>]
    private let nodes: Int

    init(_ scope: Scope, _ configuration: DARTSConfiguration, imageChannels: Int) {
        let depth = Depth(
            channels: configuration.channels, cells: configuration.cells,
            stemMultiplier: configuration.stemMultiplier,
            concatenated: (configuration.nodes, configuration.nodes))
        nodes = configuration.nodes
        features = depth.features
        stem = Stem(scope["stem"], inputs: imageChannels, outputs: depth.stem)
        cells = depth.cells.enumerated().map { index, cell in
            Checkpointed(scope["cells"][index]) { SearchCell($0, cell, nodes: configuration.nodes) }
        }
    }

    func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    {
        let normal = try MixingWeights(architecture[0], nodes: nodes)
        let reduction = try MixingWeights(architecture[1], nodes: nodes)
        var last = try stem(images, context)
        var beforeLast = last
        for cell in cells {
            let weights = cell.part.isReduction ? reduction : normal
            let output = try cell([beforeLast, last] + weights.nodes, context) { cell, inputs, context in
                try cell(
                    inputs[0], inputs[1], weights: MixingWeights(nodes: Array(inputs[2...])), context)
            }
            (beforeLast, last) = (last, output)
        }
        return try last.globalAveragePool()
    }
}

/// A 3×3 convolution and batch norm.
struct Stem: Sendable {
    private let convolution: Convolution
    private let norm: BatchNorm

    init(_ scope: Scope, inputs: Int, outputs: Int) {
        convolution = Convolution(scope["convolution"], inputs: inputs, outputs: outputs, kernel: 3)
        norm = BatchNorm(scope["norm"], channels: outputs)
    }

    func callAsFunction(_ images: Tensor, _ context: ForwardContext) throws -> Tensor {
        try norm(convolution(images, context), context)
    }
}

/// softmax(α), by node (DARTS, Eq. 2).
package struct MixingWeights: Sendable {
    /// For each node the weights of its edges' computing operations, edge by edge: [edges·7].
    package let nodes: [Tensor]

    init(nodes: [Tensor]) { self.nodes = nodes }

    /// - Parameter architecture: α [edges, 8].
    package init(_ architecture: Tensor, nodes count: Int) throws {
        let weights = try architecture.softmax()
            .sliced(axis: 1, from: 1, count: Primitive.computing.count)
        var first = 0
        nodes = try (0..<count).map { node in
            defer { first += node + 2 }
            return try weights.sliced(axis: 0, from: first, count: node + 2).reshaped(to: [-1])
        }
    }
}

/// A cell whose nodes add up a mixed operation for each state before them.
package struct SearchCell: Sendable {
    package let isReduction: Bool
    private let preprocess0, preprocess1: any Operation
    /// The operations on the edges into each node, edge by edge.
    private let nodes: [[(input: Int, operation: any Operation)]]

    package init(_ scope: Scope, _ cell: Depth.Cell, nodes count: Int) {
        isReduction = cell.isReduction
        (preprocess0, preprocess1) = preprocessing(scope, cell, affine: false)
        nodes = (0..<count).map { node in
            (0..<(node + 2)).flatMap { input in
                Primitive.computing.map { primitive in
                    let operation = primitive.operation(
                        scope["nodes"][node]["edges"][input][primitive.rawValue], channels: cell.channels,
                        stride: cell.isReduction && input < 2 ? 2 : 1, affine: false)!
                    return (input, operation)
                }
            }
        }
    }

    package func callAsFunction(
        _ beforeLast: Tensor, _ last: Tensor, weights: MixingWeights, _ context: ForwardContext
    ) throws -> Tensor {
        var states = [try preprocess0(beforeLast, context), try preprocess1(last, context)]
        for (branches, weights) in zip(nodes, weights.nodes) {
            states.append(try branches.output(of: states, weights: weights, context))
        }
        return try Tensor.concatenated(Array(states.dropFirst(2)), axis: -1)
    }
}

/// What brings a cell's two inputs to its channels, and the first to the second's extent.
func preprocessing(_ scope: Scope, _ cell: Depth.Cell, affine: Bool) -> (any Operation, any Operation) {
    let first: any Operation =
        cell.followsReduction
        ? FactorizedReduce(
            scope["preprocess0"], inputs: cell.beforeLast, outputs: cell.channels, affine: affine)
        : PointwiseConvolution(
            scope["preprocess0"], inputs: cell.beforeLast, outputs: cell.channels, affine: affine)
    return (
        first,
        PointwiseConvolution(scope["preprocess1"], inputs: cell.last, outputs: cell.channels, affine: affine)
    )
}
