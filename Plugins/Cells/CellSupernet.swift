import ErrataCore
import NeuralNetworks
import TensorEngine

/// The network of mixed cells (DARTS, section 2.2), with a classifying layer.
public struct CellSupernet: Supernet {
    public let layout: ModelLayout
    public let backbone: any Backbone
    private let relaxation: any Relaxation
    private let parts: Int
    private let features: any FeatureExtractor
    private let classifier: Linear

    /// - Parameters:
    ///   - backbone: stem and cells.
    ///   - classes: of the images.
    ///   - relaxation: whose adversary perturbs the weights of the backbone's mixture while the supernet trains.
    ///   - parts: how many tensors of A, from the first, the relaxation makes weights of; what an adversary adds to
    ///     these stands behind A.
    public init(
        _ backbone: some Backbone, classes: Int, relaxation: any Relaxation = SoftmaxRelaxation(),
        parts: Int = CellKind.allCases.count
    ) {
        let builder = LayoutBuilder()
        self.backbone = backbone
        self.relaxation = relaxation
        self.parts = parts
        features = backbone.declare(in: builder.root)
        classifier = Linear(builder.root["classifier"], inputs: features.features, outputs: classes)
        layout = builder.layout
    }

    public func logits(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor {
        try classifier(features(images, architecture: architecture, context), context)
    }

    /// A, and behind it a perturbation of each part's weights.
    public func perturbed(
        _ architecture: [Tensor], _ context: ForwardContext,
        raising loss: (_ architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    ) throws -> [Tensor] {
        guard let adversary = relaxation.adversary(at: context.time) else { return architecture }
        let constants = architecture.map(\.detached)
        let aside = context.aside("adversary")
        return try architecture
            + adversary.perturbations(
                of: Array(constants.prefix(parts)), random: aside.random
            ) { try loss(constants + $0, aside) }
    }
}

/// Stem, cells and global pooling: what a cell space says of its supernet.
public struct CellBackbone: Backbone {
    /// What the architecture makes of each node of a kind of cells, in a pass.
    public typealias Mixing =
        @Sendable (_ architecture: [Tensor], _ context: ForwardContext) throws -> [CellKind: [NodeWeights]]

    public let stack: CellStack
    public let imageChannels: Int
    private let cell: @Sendable (Scope, CellStack.Cell) -> SearchCell
    private let mixing: Mixing

    /// - Parameters:
    ///   - stack: where the cells stand.
    ///   - imageChannels: of the images that the stem takes.
    ///   - cell: declares a cell of the stack.
    ///   - mixing: from A to the weights that each node is applied with.
    public init(
        _ stack: CellStack, imageChannels: Int,
        cell: @escaping @Sendable (_ scope: Scope, _ cell: CellStack.Cell) -> SearchCell,
        mixing: @escaping Mixing
    ) {
        self.stack = stack
        self.imageChannels = imageChannels
        self.cell = cell
        self.mixing = mixing
    }

    /// Cells of mixed nodes, weighted by an α for each kind of cells, in the order of `CellKind`.
    ///
    /// - Parameters:
    ///   - stack: where the cells stand.
    ///   - imageChannels: of the images that the stem takes.
    ///   - candidates: of both kinds.
    public init(_ stack: CellStack, imageChannels: Int, candidates: [CellKind: CandidateEdges]) {
        self.init(
            stack, imageChannels: imageChannels,
            cell: { SearchCell($0, $1, candidates[$1.kind]!) },
            mixing: { architecture, context in
                var weights: [CellKind: [NodeWeights]] = [:]
                for (kind, alpha) in zip(CellKind.allCases, architecture) {
                    weights[kind] = try candidates[kind]!.weights(
                        alpha, in: RelaxationPass(context, kind.rawValue))
                }
                return weights
            })
    }

    public func declare(in scope: Scope) -> any FeatureExtractor {
        CellFeatures(
            features: stack.features, stem: Stem(scope["stem"], inputs: imageChannels, of: stack),
            cells: stack.cells.map { place in
                Checkpointed(scope["cells"][place.index]) { cell($0, place) }
            },
            mixing: mixing)
    }
}

private struct CellFeatures: FeatureExtractor {
    let features: Int
    let stem: Stem
    let cells: [Checkpointed<SearchCell>]
    let mixing: CellBackbone.Mixing

    func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor
    {
        let weights = try mixing(architecture, context)
        var (beforeLast, last) = try stem(images, context)
        for (index, cell) in cells.enumerated() {
            var context = context
            context.random = context.random.derived("cell").derived(UInt64(index))
            let nodes = weights[cell.part.kind]!
            let inputs = [beforeLast, last] + nodes.map(\.tensor)
            let running = nodes.map(\.running)
            let output = try cell(inputs, context) { cell, inputs, context in
                let weights = zip(inputs[2...], running).map { NodeWeights($0, running: $1) }
                return try cell(inputs[0], inputs[1], weights: weights, context)
            }
            (beforeLast, last) = (last, output)
        }
        return try last.globalAveragePool()
    }
}
