import Cells
import ErrataCore
import NeuralNetworks
import TensorEngine

/// ReLU, 3×3 convolution, batch norm.
struct ReLUConvolutionNorm: Sendable {
    private let convolution: Convolution
    private let norm: BatchNorm

    init(_ scope: Scope, inputs: Int, outputs: Int, stride: Int = 1, affine: Bool = true) {
        convolution = Convolution(
            scope["convolution"], inputs: inputs, outputs: outputs, kernel: 3, stride: stride)
        norm = BatchNorm(scope["norm"], channels: outputs, affine: affine)
    }

    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        try norm(convolution(x.relu(), context), context)
    }
}

/// The residual block that halves the extent and doubles the channels: two 3×3 convolutions beside a 2×2 average pool and a
/// 1×1 convolution.
package struct ResidualReduction: Sendable {
    private let first, second: ReLUConvolutionNorm
    private let shortcut: Convolution

    package init(_ scope: Scope, inputs: Int) {
        first = ReLUConvolutionNorm(scope["first"], inputs: inputs, outputs: 2 * inputs, stride: 2)
        second = ReLUConvolutionNorm(scope["second"], inputs: 2 * inputs, outputs: 2 * inputs)
        shortcut = Convolution(scope["shortcut"], inputs: inputs, outputs: 2 * inputs, kernel: 1)
    }

    package func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let pooled = try x.averagePool(PoolingWindow(size: 2, stride: 2, padding: 0))
        return try shortcut(pooled, context) + second(first(x, context), context)
    }
}

/// What surrounds the cells: a 3×3 stem, three stages of cells with a residual block before the second and the third, batch
/// norm, ReLU and global pooling (Dong and Yang, 2020, Figure 1).
struct Skeleton<Cell: Sendable>: Sendable {
    let features: Int
    private let stem: Convolution
    private let stemNorm: BatchNorm
    private let stages: [(reduction: ResidualReduction?, cells: [Checkpointed<Cell>])]
    private let norm: BatchNorm

    /// - Parameters:
    ///   - scope: where everything is declared.
    ///   - inputs: channels of the images.
    ///   - channels: of the first stage's cells.
    ///   - cells: of each stage.
    ///   - cell: declares one of some channels.
    init(
        _ scope: Scope, inputs: Int, channels: Int, cells: Int,
        cell: (_ scope: Scope, _ channels: Int) throws -> Cell
    ) rethrows {
        stem = Convolution(scope["stem"]["convolution"], inputs: inputs, outputs: channels, kernel: 3)
        stemNorm = BatchNorm(scope["stem"]["norm"], channels: channels)
        stages = try (0..<3).map { stage in
            let scope = scope["stages"][stage]
            let channels = channels << stage
            let reduction = stage == 0 ? nil : ResidualReduction(scope["reduction"], inputs: channels / 2)
            let cells = try (0..<cells).map { index in
                try Checkpointed(scope["cells"][index]) { try cell($0, channels) }
            }
            return (reduction, cells)
        }
        features = channels << 2
        norm = BatchNorm(scope["norm"], channels: features)
    }

    /// - Throws: `SettingError` if the residual blocks cannot halve the images' extent.
    static func require(_ images: ImageSpecification) throws {
        guard images.height % 4 == 0, images.width % 4 == 0 else {
            throw SettingError(
                "search_space",
                "images of \(images.height)×\(images.width), expected a height and a width that can be halved twice "
                    + "for 'nas-bench-201'; 'padding' of the data set adds to them")
        }
    }

    /// [N, H, W, inputs] → [N, features].
    ///
    /// - Parameters:
    ///   - images: a batch.
    ///   - inputs: what a cell is given besides the state before it.
    ///   - context: the model's values.
    ///   - apply: a cell, to the state before it and those inputs.
    func callAsFunction(
        _ images: Tensor, _ inputs: [Tensor], _ context: ForwardContext,
        _ apply: @escaping @Sendable (Cell, [Tensor], ForwardContext) throws -> Tensor
    ) throws -> Tensor {
        var x = try stemNorm(stem(images, context), context)
        var index = 0
        for (reduction, cells) in stages {
            if let reduction { x = try reduction(x, context) }
            for cell in cells {
                var context = context
                context.random = context.random.derived("cell").derived(UInt64(index))
                x = try cell([x] + inputs, context, apply)
                index += 1
            }
        }
        return try norm(x, context).relu().globalAveragePool()
    }
}

/// Three nodes, each the sum of operations on the nodes before it; the last one is the output.
package struct NASBench201Cell: Sendable {
    private let nodes: [CellNode]

    /// A cell of mixed operations.
    package init(_ scope: Scope, mixing candidates: CandidateEdges, channels: Int) {
        nodes = candidates.nodes.enumerated().map { index, candidates in
            CellNode(scope["nodes"][index], candidates, channels: channels, stride: { _ in 1 })
        }
    }

    /// The cell of a genotype.
    package init(_ scope: Scope, _ genotype: NASBench201Genotype, channels: Int) {
        nodes = (1...3).map { node in
            CellNode(
                genotype.operations(into: node).enumerated().compactMap { input, operation in
                    operation.cellOperation.operation(
                        scope["nodes"][node - 1]["edges"][input], channels: channels, stride: 1, affine: true
                    ).map { (input, $0) }
                })
        }
    }

    package func callAsFunction(_ x: Tensor, weights: [NodeWeights]? = nil, _ context: ForwardContext) throws
        -> Tensor
    {
        var states = [x]
        for (index, node) in nodes.enumerated() {
            var context = context
            context.random = context.random.derived("node").derived(UInt64(index))
            let weights = weights?[index]
            states.append(
                try node.sum(of: states, weights: weights?.tensor, running: weights?.running, context))
        }
        return states[states.count - 1]
    }
}
