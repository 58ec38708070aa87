import ErrataCore
import Foundation
import TensorEngine

/// The candidate operations on the edges of one kind of cells, and what architecture parameters α [edges,
/// candidates] over them mean: a row is an edge, node by node and state by state, a column a candidate.
public struct CandidateEdges: Sendable {
    /// By node and state before it; the same number on every edge.
    public let nodes: [[[CellOperation]]]

    /// - Throws: `SettingError` if edges differ in their number of candidates, or if none of an edge's computes
    ///   anything.
    public init(nodes: [[[CellOperation]]]) throws {
        self.nodes = nodes
        guard let count = edges.first?.count, edges.allSatisfy({ $0.count == count }) else {
            throw SettingError(
                "search_space", "edges with \(edges.map(\.count)) candidates, expected as many on each")
        }
        guard edges.allSatisfy({ $0.contains(where: \.computes) }) else {
            throw SettingError(
                "search_space", "an edge without a candidate that computes something, expected at least one")
        }
    }

    /// The same candidates on every edge: node i has an edge from each of i + 2 states.
    public init(nodes: Int, operations: [CellOperation]) throws {
        try self.init(
            nodes: (0..<nodes).map { Array(repeating: operations, count: $0 + 2) })
    }

    /// Edge by edge.
    public var edges: [[CellOperation]] { nodes.flatMap(\.self) }

    /// The shape of α.
    public var shape: Shape { [edges.count, edges[0].count] }

    /// The columns of the candidates that compute something.
    private func columns(_ candidates: [CellOperation]) -> [Int] {
        candidates.indices.filter { candidates[$0].computes }
    }

    /// softmax(α) over each edge's candidates (DARTS, Eq. 2), less the weights of `zero`.
    ///
    /// - Returns: for each node the weights of its edges' operations, edge by edge: [operations].
    /// - Throws: `TensorError` if α is not of `shape`.
    public func weights(_ alpha: Tensor) throws -> [Tensor] {
        let weights = try alpha.softmax()
        let same = Set(edges.map(columns)).count == 1
        let kept = same ? try weights.columns(columns(edges[0])) : weights
        var first = 0
        return try nodes.map { inputs in
            defer { first += inputs.count }
            if same { return try kept.sliced(axis: 0, from: first, count: inputs.count).reshaped(to: [-1]) }
            let rows = try inputs.enumerated().map { state, candidates in
                try kept.sliced(axis: 0, from: first + state, count: 1).columns(columns(candidates))
            }
            return try Tensor.concatenated(rows, axis: 1).reshaped(to: [-1])
        }
    }

    /// Each edge's softmax(α) in Float64: rounding must not order operations.
    private func probabilities(_ alpha: Tensor) throws -> [[Double]] {
        guard alpha.shape == shape else {
            throw TensorError("genotype", "architecture \(alpha.shape), expected \(shape)")
        }
        let values = try alpha.detached.cast(to: .float64).softmax().doubles()
        let count = shape[1]
        return edges.indices.map { Array(values[($0 * count)..<(($0 + 1) * count)]) }
    }

    /// The cell that α stands for (DARTS, section 2.4): into each node the edges whose strongest operation is
    /// strongest, `zero` left out; the strongest first, and the first of equals.
    ///
    /// - Parameters:
    ///   - alpha: [edges, candidates].
    ///   - count: how many edges a node keeps, if it has as many.
    ///   - edgeWeights: what each edge's operations are weighed by, edge by edge; 1 where absent.
    /// - Throws: `TensorError` if α is not of `shape`.
    public func cell(_ alpha: Tensor, keeping count: Int = 2, edgeWeights: [Double]? = nil) throws
        -> CellGenotype.Cell
    {
        let probabilities = try probabilities(alpha)
        var first = 0
        return .init(
            nodes: nodes.map { inputs in
                defer { first += inputs.count }
                let strongest = inputs.enumerated().map { state, candidates in
                    let row = probabilities[first + state]
                    let computing = columns(candidates)
                    let best = computing.dropFirst().reduce(computing[0]) { row[$1] > row[$0] ? $1 : $0 }
                    return (
                        weight: row[best] * (edgeWeights?[first + state] ?? 1),
                        edge: CellGenotype.Edge(candidates[best].name, state)
                    )
                }
                return strongest.sorted { ($1.weight, $0.edge.input) < ($0.weight, $1.edge.input) }
                    .prefix(count).map(\.edge)
            })
    }

    /// The mean over edges of the entropy of softmax(α), in nats: that of even weights in the beginning, near 0 where
    /// every edge has chosen.
    ///
    /// - Throws: `TensorError` if α is not of `shape`.
    public func entropy(_ alpha: Tensor) throws -> Double {
        let entropies = try probabilities(alpha).map { row in
            row.reduce(0.0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
        }
        return entropies.reduce(0, +) / Double(entropies.count)
    }
}

extension Tensor {
    /// Some columns of a matrix, in increasing order.
    fileprivate func columns(_ columns: [Int]) throws -> Tensor {
        var runs: [Range<Int>] = []
        for column in columns {
            if runs.last?.upperBound == column {
                runs[runs.count - 1] = runs.last!.lowerBound..<(column + 1)
            } else {
                runs.append(column..<(column + 1))
            }
        }
        if runs == [0..<shape[1]] { return self }
        let parts = try runs.map { try sliced(axis: 1, from: $0.lowerBound, count: $0.count) }
        return parts.count == 1 ? parts[0] : try .concatenated(parts, axis: 1)
    }
}
