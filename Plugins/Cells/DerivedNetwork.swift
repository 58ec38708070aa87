import ErrataCore
import NeuralNetworks
import TensorEngine

/// The network of a genotype (DARTS, section 3.2): cells of fixed operations with affine batch norms, drop path on
/// every edge that computes, and an auxiliary head at two thirds of the depth.
public struct DerivedNetwork: Network {
    public let layout: ModelLayout
    private let settings: CellNetworkSettings
    private let stem: Stem
    private let cells: [DerivedCell]
    private let classifier: Linear
    private let auxiliary: (cell: Int, head: AuxiliaryHead)?

    /// - Parameters:
    ///   - genotype: what is built.
    ///   - operations: those that the genotype may name.
    ///   - settings: its size and regularisers.
    ///   - stemMultiplier: the channels of a CIFAR stem, as a multiple of the first cells'; an ImageNet stem has
    ///     theirs.
    ///   - images: what the network is given.
    /// - Throws: `GenotypeError` if the genotype is malformed or names another operation; `SettingError` if there
    ///   are too few cells to have both kinds, or the images are too small for the auxiliary head.
    public init(
        _ genotype: CellGenotype, operations: [CellOperation], _ settings: CellNetworkSettings,
        stemMultiplier: Int = 3, for images: ImageSpecification
    ) throws {
        let operations = operations.filter(\.computes)
        try genotype.validate(operations: operations.map(\.name))
        let builder = LayoutBuilder()
        let root = builder.root
        let stack = CellStack(
            channels: settings.channels, cells: settings.cells, stem: settings.stem,
            stemMultiplier: settings.stem == .imagenet ? 1 : stemMultiplier,
            concatenated: { genotype[$0].concatenation.count })
        try stack.require(in: "evaluation.network")
        stem = Stem(root["stem"], inputs: images.channels, of: stack)
        cells = stack.cells.map { cell in
            DerivedCell(root["cells"][cell.index], cell, genotype[cell.kind], operations)
        }
        if settings.auxiliary {
            let cell = stack.cells[2 * settings.cells / 3]
            try AuxiliaryHead.requireRoom(for: images, at: cell, of: stack)
            auxiliary = (
                cell.index,
                AuxiliaryHead(
                    root["auxiliary"], settings.stem,
                    hasLastNorm: settings.auxiliaryNorm ?? (settings.stem == .cifar),
                    inputs: cell.channels * genotype[cell.kind].concatenation.count,
                    classes: images.classes)
            )
        } else {
            auxiliary = nil
        }
        classifier = Linear(root["classifier"], inputs: stack.features, outputs: images.classes)
        layout = builder.layout
        self.settings = settings
    }

    public func logits(_ images: Tensor, _ context: ForwardContext) throws -> Tensor {
        try outputs(images, context, withAuxiliary: false).logits
    }

    /// The cross-entropy, and the auxiliary head's with its weight.
    public func trainingLoss(
        _ images: Tensor, targets: Targets, _ context: ForwardContext
    ) throws -> (loss: Tensor, logits: Tensor) {
        let (logits, auxiliary) = try outputs(images, context, withAuxiliary: true)
        var loss = try logits.crossEntropy(targets)
        if let auxiliary {
            loss =
                try loss
                + auxiliary.crossEntropy(targets) * settings.auxiliaryWeight
        }
        return (loss, logits)
    }

    /// The logits [N, classes], and the auxiliary head's where it is asked for and there.
    public func outputs(_ images: Tensor, _ context: ForwardContext, withAuxiliary: Bool) throws
        -> (logits: Tensor, auxiliary: Tensor?)
    {
        let time = context.time
        let dropPath =
            context.isTraining ? settings.dropPath * Double(time.epoch) / Double(max(time.epochs, 1)) : 0
        var (beforeLast, last) = try stem(images, context)
        var auxiliaryLogits: Tensor?
        for (index, cell) in cells.enumerated() {
            var context = context
            context.random = context.random.derived("drop path").derived(UInt64(index))
            (beforeLast, last) = (last, try cell(beforeLast, last, dropPath: dropPath, context))
            if withAuxiliary, let auxiliary, auxiliary.cell == index {
                auxiliaryLogits = try auxiliary.head(last, context)
            }
        }
        return (try classifier(last.globalAveragePool(), context), auxiliaryLogits)
    }
}

/// A cell of fixed operations.
private struct DerivedCell: Sendable {
    private let preprocessing: Preprocessing
    private let nodes: [CellNode]
    private let concatenation: [Int]

    /// - Parameter operations: all that the genotype names.
    init(
        _ scope: Scope, _ cell: CellStack.Cell, _ genotype: CellGenotype.Cell, _ operations: [CellOperation]
    ) {
        preprocessing = Preprocessing(scope, cell, affine: true)
        concatenation = genotype.concatenation
        var index = 0
        nodes = genotype.nodes.map { edges in
            CellNode(
                edges.map { edge in
                    defer { index += 1 }
                    let operation = operations.first { $0.name == edge.operation }?.operation(
                        scope["edges"][index][edge.operation], channels: cell.channels,
                        stride: cell.stride(from: edge.input), affine: true)
                    return (edge.input, operation!)
                })
        }
    }

    /// - Parameter dropPath: the probability with which an image's result of an operation is dropped.
    func callAsFunction(
        _ beforeLast: Tensor, _ last: Tensor, dropPath: Double, _ context: ForwardContext
    ) throws -> Tensor {
        var states = try preprocessing(beforeLast, last, context)
        var first = 0
        for (place, node) in nodes.enumerated() {
            var inner = context
            inner.random = context.random.derived("node").derived(UInt64(place))
            states.append(
                try node.sum(of: states, inner) { index in
                    guard dropPath > 0, !node.edges[index].operation.isIdentity else { return nil }
                    return try states[0].keptExamples(
                        rate: dropPath, from: context.random.derived(UInt64(first + index)))
                })
            first += node.edges.count
        }
        return try Tensor.concatenated(concatenation.map { states[$0] }, axis: -1)
    }
}
