import NeuralNetworks
import TensorEngine

/// What the architecture makes of a node in a pass.
public struct NodeWeights: Sendable {
    /// Of the node's operations; then of its edges, where channels pass by operations and edges have weights: [n].
    public var tensor: Tensor
    /// The operations that are computed, the others having the weight 0; nil for all.
    public var running: [Int]?

    public init(_ tensor: Tensor, running: [Int]? = nil) {
        self.tensor = tensor
        self.running = running
    }
}

/// A node of a cell that is being searched.
public protocol SearchNode: Sendable {
    /// - Parameters:
    ///   - states: those before the node, [N, H, W, C] each.
    ///   - weights: what the architecture says of this node; what `CellBackbone`'s mixing gives for it.
    ///   - context: the model's values and random numbers.
    /// - Throws: `TensorError` if weights and operations do not fit together.
    func mixture(of states: [Tensor], weights: NodeWeights, _ context: ForwardContext) throws
        -> Tensor
}

/// A cell whose nodes mix all candidate operations on all states before them.
public struct SearchCell: Sendable {
    public let kind: CellKind
    private let preprocessing: Preprocessing
    private let nodes: [any SearchNode]

    /// - Parameters:
    ///   - scope: where the cell declares what it holds.
    ///   - cell: its place in the stack.
    ///   - count: how many.
    ///   - node: declares a node in a scope of its own.
    public init(
        _ scope: Scope, _ cell: CellStack.Cell, nodes count: Int,
        node: (_ scope: Scope, _ index: Int) throws -> any SearchNode
    ) rethrows {
        kind = cell.kind
        preprocessing = Preprocessing(scope, cell, affine: false)
        nodes = try (0..<count).map { try node(scope["nodes"][$0], $0) }
    }

    /// A cell of mixed nodes.
    ///
    /// - Parameters:
    ///   - scope: where the cell declares what it holds.
    ///   - cell: its place in the stack.
    ///   - candidates: of its edges.
    ///   - parts: one channel of so many goes through the candidates.
    public init(_ scope: Scope, _ cell: CellStack.Cell, _ candidates: CandidateEdges, parts: Int = 1) {
        self.init(scope, cell, nodes: candidates.nodes.count) { scope, index in
            guard parts > 1 else {
                return CellNode(
                    scope, candidates.nodes[index], channels: cell.channels, stride: cell.stride)
            }
            return PartialChannelNode(scope, cell, candidates.nodes[index], parts: parts)
        }
    }

    /// - Parameters:
    ///   - beforeLast: [N, H, W, C], the output of the cell before the last.
    ///   - last: [N, H, W, C], the output of the last cell.
    ///   - weights: for each node.
    ///   - context: the model's values and random numbers.
    /// - Returns: all nodes side by side, [N, H', W', nodes·C].
    public func callAsFunction(
        _ beforeLast: Tensor, _ last: Tensor, weights: [NodeWeights], _ context: ForwardContext
    ) throws -> Tensor {
        var states = try preprocessing(beforeLast, last, context)
        for (index, (node, weights)) in zip(nodes, weights).enumerated() {
            var context = context
            context.random = context.random.derived("node").derived(UInt64(index))
            states.append(try node.mixture(of: states, weights: weights, context))
        }
        return try Tensor.concatenated(Array(states.dropFirst(2)), axis: -1)
    }
}

/// What brings a cell's two inputs to its channels, and the first to the second's extent.
public struct Preprocessing: Sendable {
    private let first, second: any EdgeOperation

    public init(_ scope: Scope, _ cell: CellStack.Cell, affine: Bool) {
        first =
            cell.followsReduction
            ? FactorizedReduce(
                scope["preprocess0"], inputs: cell.beforeLast, outputs: cell.channels, affine: affine)
            : ConvolutionOperation.pointwise(
                scope["preprocess0"], inputs: cell.beforeLast, outputs: cell.channels, affine: affine)
        second = ConvolutionOperation.pointwise(
            scope["preprocess1"], inputs: cell.last, outputs: cell.channels, affine: affine)
    }

    /// The cell's first two states.
    public func callAsFunction(_ beforeLast: Tensor, _ last: Tensor, _ context: ForwardContext) throws
        -> [Tensor]
    {
        [try first(beforeLast, context), try second(last, context)]
    }
}
