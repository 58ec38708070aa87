import ErrataCore
import NeuralNetworks
import TensorEngine

/// The network of a genotype for images of CIFAR's size (DARTS, section 3.2): cells of fixed operations with
/// affine batch norms, drop path on every edge that computes, and an auxiliary head at two thirds of the depth.
struct DiscreteNetwork: Classifier {
    let layout: ModelLayout
    private let stem: Stem
    private let cells: [DiscreteCell]
    private let classifier: Linear
    private let auxiliary: (cell: Int, head: AuxiliaryHead)?

    init(
        _ genotype: Genotype, _ settings: NetworkSettings, stemMultiplier: Int, for images: ImageSpecification
    ) throws {
        let builder = LayoutBuilder()
        let root = builder.root
        let depth = Depth(
            channels: settings.channels, cells: settings.cells, stemMultiplier: stemMultiplier,
            concatenated: (genotype.normal.concatenation.count, genotype.reduction.concatenation.count))
        stem = Stem(root["stem"], inputs: images.channels, outputs: depth.stem)
        cells = try depth.cells.enumerated().map { index, cell in
            try DiscreteCell(
                root["cells"][index], cell, cell.isReduction ? genotype.reduction : genotype.normal)
        }
        if settings.auxiliary {
            let index = 2 * settings.cells / 3
            let reductions = depth.cells[...index].count(where: \.isReduction)
            let extents = [images.height, images.width].map { ($0 + (1 << reductions) - 1) >> reductions }
            guard extents.allSatisfy({ $0 >= AuxiliaryHead.smallestExtent }) else {
                throw TensorError(
                    "auxiliary head",
                    "images of \(images.height)×\(images.width) leave features of \(extents[0])×\(extents[1]) at "
                        + "cell \(index), expected at least 8×8 (images of 32×32): set auxiliary to false")
            }
            let cell = depth.cells[index]
            let nodes = (cell.isReduction ? genotype.reduction : genotype.normal).concatenation.count
            auxiliary = (
                index,
                AuxiliaryHead(root["auxiliary"], inputs: cell.channels * nodes, classes: images.classes)
            )
        } else {
            auxiliary = nil
        }
        classifier = Linear(root["classifier"], inputs: depth.features, outputs: images.classes)
        layout = builder.layout
    }

    func logits(_ images: Tensor, _ context: ForwardContext) throws -> (logits: Tensor, auxiliary: Tensor?) {
        var last = try stem(images, context)
        var beforeLast = last
        var auxiliaryLogits: Tensor?
        for (index, cell) in cells.enumerated() {
            var context = context
            context.random = context.random.derived("drop path").derived(UInt64(index))
            (beforeLast, last) = (last, try cell(beforeLast, last, context))
            if let auxiliary, auxiliary.cell == index, context.normalization == .batch {
                auxiliaryLogits = try auxiliary.head(last, context)
            }
        }
        return (try classifier(last.globalAveragePool(), context), auxiliaryLogits)
    }
}

/// A cell of fixed operations.
private struct DiscreteCell: Sendable {
    private let preprocess0, preprocess1: any Operation
    private let edges: [(input: Int, operation: any Operation)]
    private let concatenation: [Int]

    init(_ scope: Scope, _ cell: Depth.Cell, _ genotype: Genotype.Cell) throws {
        (preprocess0, preprocess1) = preprocessing(scope, cell, affine: true)
        concatenation = genotype.concatenation
        edges = try genotype.edges.enumerated().map { index, edge in
            guard
                let operation = Primitive(rawValue: edge.operation)?.operation(
                    scope["edges"][index][edge.operation], channels: cell.channels,
                    stride: cell.isReduction && edge.input < 2 ? 2 : 1, affine: true)
            else { throw GenotypeError("'\(edge.operation)' is no operation of DARTS's") }
            return (edge.input, operation)
        }
    }

    func callAsFunction(_ beforeLast: Tensor, _ last: Tensor, _ context: ForwardContext) throws -> Tensor {
        var states = [try preprocess0(beforeLast, context), try preprocess1(last, context)]
        for node in stride(from: 0, to: edges.count, by: 2) {
            let pair = Array(edges[node..<(node + 2)])
            states.append(
                try pair.output(of: states, context) { index in
                    guard context.dropPathRate > 0, context.normalization == .batch,
                        !pair[index].operation.isIdentity
                    else { return nil }
                    return try states[0].keptExamples(
                        rate: context.dropPathRate, from: context.random.derived(UInt64(node + index)))
                })
        }
        return try Tensor.concatenated(concatenation.map { states[$0] }, axis: -1)
    }
}

/// A small classifier on features of 8×8 or more: its loss helps the lower cells train.
private struct AuxiliaryHead: Sendable {
    static let smallestExtent = 8
    private let reduce, convolution: Convolution
    private let norm0, norm1: BatchNorm
    private let classifier: Linear

    init(_ scope: Scope, inputs: Int, classes: Int) {
        reduce = Convolution(scope["reduce"], inputs: inputs, outputs: 128, kernel: 1)
        norm0 = BatchNorm(scope["norm0"], channels: 128)
        convolution = Convolution(scope["convolution"], inputs: 128, outputs: 768, kernel: 2, padding: 0)
        norm1 = BatchNorm(scope["norm1"], channels: 768)
        classifier = Linear(scope["classifier"], inputs: 768, outputs: classes)
    }

    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let pooled = try x.relu().averagePool(PoolingWindow(size: 5, stride: 3, padding: 0))
        let reduced = try norm0(reduce(pooled, context), context).relu()
        let features = try norm1(convolution(reduced, context), context).relu()
        return try classifier(features.globalAveragePool(), context)
    }
}
