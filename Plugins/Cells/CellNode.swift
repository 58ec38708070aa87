import NeuralNetworks
import TensorEngine

/// A node of a cell: the sum of operations on the states before it, weighted by the architecture in a search.
public struct CellNode: SearchNode {
    public typealias Edge = (input: Int, operation: any EdgeOperation)

    public let edges: [Edge]

    /// - Parameter edges: operations, each with the index of the state that it is applied to.
    public init(_ edges: [Edge]) { self.edges = edges }

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
        edges = candidates.enumerated().flatMap { input, candidates in
            candidates.compactMap { candidate in
                candidate.operation(
                    scope["edges"][input][candidate.name], channels: channels, stride: stride(input),
                    affine: false
                ).map { (input, $0) }
            }
        }
    }

    public func mixture(of states: [Tensor], weights: Tensor, _ context: ForwardContext) throws -> Tensor {
        try sum(of: states, weights: weights, context)
    }

    /// The sum of the operations.
    ///
    /// - Parameters:
    ///   - states: [N, H, W, C] each.
    ///   - weights: of the operations [edges]; absent ones are 1.
    ///   - context: the model's values and random numbers.
    ///   - imageFactors: what each image's result of an operation is multiplied by, by its index [N].
    /// - Throws: `TensorError` if the operations do not fit together.
    public func sum(
        of states: [Tensor], weights: Tensor? = nil, _ context: ForwardContext,
        imageFactors: (Int) throws -> Tensor? = { _ in nil }
    ) throws -> Tensor {
        var sum = MixedSum(sources: states, weights: weights)
        for (index, (input, operation)) in edges.enumerated() {
            var context = context
            context.random = context.random.derived("operation").derived(UInt64(index))
            try operation.addBranch(to: &sum, source: input, context)
            sum.branches[index].imageFactors = try imageFactors(index)
        }
        let (output, moments) = try sum.output()
        for (edge, found) in zip(edges, moments) {
            for (norm, (moments, rows)) in zip(edge.operation.norms, found) {
                try norm?.record(moments, rows: rows, context)
            }
        }
        return output
    }
}
