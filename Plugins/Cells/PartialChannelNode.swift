import NeuralNetworks
import TensorEngine

/// A mixed node of which a part of the channels goes through the candidates and the others pass by, pooled where the
/// stride is 2; then the channels are shuffled, so that the next node's part has some of both (Xu et al., 2020,
/// section 3.2 and its published code).
public struct PartialChannelNode: SearchNode {
    private let mixed, passing: CellNode
    private let channels, parts: Int

    /// - Parameters:
    ///   - scope: where the operations declare what they hold.
    ///   - cell: whose channels are a multiple of `parts`.
    ///   - candidates: for each state before the node, in order.
    ///   - parts: one channel of so many goes through the candidates.
    public init(_ scope: Scope, _ cell: CellStack.Cell, _ candidates: [[CellOperation]], parts: Int) {
        channels = cell.channels
        self.parts = parts
        mixed = CellNode(scope, candidates, channels: channels / parts, stride: cell.stride)
        passing = CellNode(
            candidates.indices.map { ($0, cell.stride(from: $0) == 1 ? Identity() : Self.halving) })
    }

    /// A 2×2 maximum pool; where an extent is odd and the published code cannot go on, a 3×3 one, which has the extent
    /// that the operations have.
    private static var halving: ComposedOperation {
        ComposedOperation { x, _ in
            let isEven = x.shape[1] % 2 == 0 && x.shape[2] % 2 == 0
            return try x.maxPool(
                PoolingWindow(size: isEven ? 2 : 3, stride: 2, padding: isEven ? 0 : 1))
        }
    }

    /// - Parameters:
    ///   - states: those before the node, [N, H, W, C] each.
    ///   - weights: of the operations; then of the edges, where edges have weights.
    ///   - context: the model's values and random numbers.
    public func mixture(of states: [Tensor], weights: NodeWeights, _ context: ForwardContext) throws
        -> Tensor
    {
        let part = channels / parts
        let operations = mixed.edges.count
        let edgeWeights =
            weights.tensor.shape[0] == operations
            ? nil : try weights.tensor.sliced(axis: 0, from: operations, count: passing.edges.count)
        let joined = try Tensor.concatenated(
            [
                mixed.sum(
                    of: states.map { try $0.sliced(axis: 3, from: 0, count: part) },
                    weights: weights.tensor.sliced(axis: 0, from: 0, count: operations),
                    running: weights.running, context),
                passing.sum(
                    of: states.map { try $0.sliced(axis: 3, from: part, count: channels - part) },
                    weights: edgeWeights, context),
            ], axis: 3)
        return try joined.channelsShuffled(groups: parts)
    }
}

extension Tensor {
    /// Channel c of group g moves to place c·groups + g [N, H, W, C] (Zhang et al., 2018, ShuffleNet).
    func channelsShuffled(groups: Int) throws -> Tensor {
        try reshaped(to: [shape.rows, groups, shape[3] / groups]).transposed([0, 2, 1]).reshaped(to: shape)
    }
}
