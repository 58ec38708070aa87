import NeuralNetworks
import TensorEngine

/// A node of a cell: the sum of operations on the states before it, weighted by the architecture in a search.
public struct CellNode: SearchNode {
    public typealias Edge = (input: Int, operation: any EdgeOperation)

    public let edges: [Edge]
    /// From the first state.
    private let stride: Int

    /// - Parameter edges: operations, each with the index of the state that it is applied to.
    public init(_ edges: [Edge]) {
        self.edges = edges
        stride = 1
    }

    /// A mixed node: every candidate that computes something, on every edge (DARTS, Eq. 2).
    ///
    /// - Parameters:
    ///   - scope: where the operations declare what they hold.
    ///   - candidates: for each state before the node, in order.
    ///   - channels: of the states and the node.
    ///   - stride: of the edge from a state.
    public init(
        _ scope: Scope, _ candidates: [[CellOperation]], channels: Int, stride: (_ state: Int) -> Int
    ) {
        self.stride = stride(0)
        edges = candidates.enumerated().flatMap { input, candidates in
            candidates.compactMap { candidate in
                candidate.operation(
                    scope["edges"][input][candidate.name], channels: channels, stride: stride(input),
                    affine: false
                ).map { (input, $0) }
            }
        }
    }

    public func mixture(of states: [Tensor], weights: NodeWeights, _ context: ForwardContext) throws
        -> Tensor
    { try sum(of: states, weights: weights.tensor, running: weights.running, context) }

    /// The sum of the operations.
    ///
    /// - Parameters:
    ///   - states: [N, H, W, C] each.
    ///   - weights: of the operations [edges]; absent ones are 1.
    ///   - running: the operations that are computed and added up; nil for all.
    ///   - context: the model's values and random numbers.
    ///   - imageFactors: what each image's result of an operation is multiplied by, by its index [N].
    /// - Throws: `TensorError` if the operations do not fit together.
    public func sum(
        of states: [Tensor], weights: Tensor? = nil, running: [Int]? = nil, _ context: ForwardContext,
        imageFactors: (Int) throws -> Tensor? = { _ in nil }
    ) throws -> Tensor {
        let indices = running ?? Array(edges.indices)
        guard !indices.isEmpty else { return try nothing(states[0]) }
        let used = running == nil ? Array(states.indices) : Set(indices.map { edges[$0].input }).sorted()
        var sum = MixedSum(
            sources: used.map { states[$0] },
            weights: try running == nil ? weights : weights?.elements(at: indices))
        for index in indices {
            let (input, operation) = edges[index]
            var context = context
            context.random = context.random.derived("operation").derived(UInt64(index))
            try operation.addBranch(to: &sum, source: used.firstIndex(of: input)!, context)
            sum.branches[sum.branches.count - 1].imageFactors = try imageFactors(index)
        }
        let (output, moments) = try sum.output()
        for (index, found) in zip(indices, moments) {
            for (norm, (moments, rows)) in zip(edges[index].operation.norms, found) {
                try norm?.record(moments, rows: rows, context)
            }
        }
        return output
    }

    /// The node where none of its operations runs.
    private func nothing(_ state: Tensor) throws -> Tensor {
        let extents = state.shape.extents
        return try state.backend.zeros(
            [
                extents[0], (extents[1] + stride - 1) / stride, (extents[2] + stride - 1) / stride,
                extents[3],
            ], state.dtype)
    }
}

extension Tensor {
    /// Some elements of a vector.
    fileprivate func elements(at indices: [Int]) throws -> Tensor {
        try reshaped(to: [-1, 1]).rows(at: backend.tensor(indices.map(Int32.init), [indices.count]))
            .reshaped(to: [-1])
    }
}
