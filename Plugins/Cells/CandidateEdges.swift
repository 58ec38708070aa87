import ErrataCore
import Foundation
import TensorEngine

/// The candidate operations on the edges of one kind of cells, and what architecture parameters α [edges,
/// candidates] over them mean: a row is an edge, node by node and state by state, a column a candidate.
public struct CandidateEdges: Sendable {
    /// By node and state before it; the same number on every edge.
    public let nodes: [[[CellOperation]]]
    /// How α becomes weights, and how strong it makes the candidates.
    public let relaxation: any Relaxation

    /// - Throws: `SettingError` if edges differ in their number of candidates, or if none of an edge's computes
    ///   anything.
    public init(nodes: [[[CellOperation]]], relaxation: any Relaxation = SoftmaxRelaxation()) throws {
        self.nodes = nodes
        self.relaxation = relaxation
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
    public init(
        nodes: Int, operations: [CellOperation], relaxation: any Relaxation = SoftmaxRelaxation()
    ) throws {
        try self.init(
            nodes: (0..<nodes).map { Array(repeating: operations, count: $0 + 2) }, relaxation: relaxation)
    }

    /// Edge by edge.
    public var edges: [[CellOperation]] { nodes.flatMap(\.self) }

    /// The shape of α.
    public var shape: Shape { [edges.count, edges[0].count] }

    /// The columns of the candidates that compute something.
    private func columns(_ candidates: [CellOperation]) -> [Int] {
        candidates.indices.filter { candidates[$0].computes }
    }

    /// The weights of a pass over each edge's candidates, less those of `zero`; each multiplied by its edge's weight,
    /// where edges have weights (Xu et al., 2020, Eq. 3).
    ///
    /// - Parameters:
    ///   - alpha: [edges, candidates].
    ///   - edgeWeights: for each node those of its edges, as of `edgeWeights(_:)`.
    ///   - pass: for the relaxation.
    /// - Returns: for each node the weights of its edges' operations, edge by edge: [operations].
    /// - Throws: `TensorError` if α is not of `shape`.
    public func weights(_ alpha: Tensor, edgeWeights: [Tensor]? = nil, in pass: RelaxationPass) throws
        -> [NodeWeights]
    {
        let relaxed = try relaxation.weights(alpha, of: edges.map { $0.map(\.name) }, in: pass)
        var weights = relaxed.weights
        if let edgeWeights {
            weights = try weights * .concatenated(edgeWeights, axis: 0).reshaped(to: [-1, 1])
        }
        let same = Set(edges.map(columns)).count == 1
        let kept = same ? try weights.columns(columns(edges[0])) : weights
        var first = 0
        return try nodes.map { inputs in
            defer { first += inputs.count }
            let running = relaxed.runs.map { indices(of: inputs, in: $0[first..<(first + inputs.count)]) }
            if same {
                return NodeWeights(
                    try kept.sliced(axis: 0, from: first, count: inputs.count).reshaped(to: [-1]),
                    running: running)
            }
            let rows = try inputs.enumerated().map { state, candidates in
                try kept.sliced(axis: 0, from: first + state, count: 1).columns(columns(candidates))
            }
            return NodeWeights(
                try Tensor.concatenated(rows, axis: 1).reshaped(to: [-1]), running: running)
        }
    }

    /// A node's operations that run, counted edge by edge.
    private func indices(of inputs: [[CellOperation]], in runs: ArraySlice<[Bool]>) -> [Int] {
        zip(inputs, runs).flatMap { candidates, runs in columns(candidates).map { runs[$0] } }
            .enumerated().filter(\.element).map(\.offset)
    }

    /// softmax(β) over the edges into each node (Xu et al., 2020, Eq. 3).
    ///
    /// - Parameter beta: [edges].
    /// - Returns: for each node [its edges].
    /// - Throws: `TensorError` if β is shorter.
    public func edgeWeights(_ beta: Tensor) throws -> [Tensor] {
        var first = 0
        return try nodes.map { inputs in
            defer { first += inputs.count }
            return try beta.sliced(axis: 0, from: first, count: inputs.count).reshaped(to: [1, -1])
                .softmax().reshaped(to: [-1])
        }
    }

    /// Each edge's candidates' strengths, times the edge's weight, in Float64: rounding must not order operations.
    private func strengths(_ alpha: Tensor, _ beta: Tensor? = nil) throws -> [[Double]] {
        guard alpha.shape == shape else {
            throw TensorError("genotype", "architecture \(alpha.shape), expected \(shape)")
        }
        let values = try relaxation.strengths(alpha.detached.cast(to: .float64)).doubles()
        let weights = try beta.map {
            try edgeWeights($0.detached.cast(to: .float64)).flatMap { try $0.doubles() }
        }
        let count = shape[1]
        return edges.indices.map { edge in
            values[(edge * count)..<((edge + 1) * count)].map { $0 * (weights?[edge] ?? 1) }
        }
    }

    /// The cell that α stands for (DARTS, section 2.4): into each node the edges whose strongest operation is
    /// strongest, `zero` left out; the strongest first, and the first of equals.
    ///
    /// Where it has too many skip connections, the weakest of them loses its weight, and the cell is derived again
    /// (Chen et al., 2019, section 3.3.2).
    ///
    /// - Parameters:
    ///   - alpha: [edges, candidates].
    ///   - count: how many edges a node keeps, if it has as many.
    ///   - beta: [edges], whose softmax over a node's edges weighs their operations; 1 where absent.
    ///   - skips: how many skip connections there may be, as far as edges have other operations; nil for any number.
    /// - Throws: `TensorError` if α is not of `shape`.
    public func cell(_ alpha: Tensor, keeping count: Int = 2, beta: Tensor? = nil, skips: Int? = nil) throws
        -> CellGenotype.Cell
    {
        var strengths = try strengths(alpha, beta)
        while true {
            let chosen = choice(strengths, keeping: count)
            let cell = CellGenotype.Cell(
                nodes: chosen.map { $0.map { .init(edges[$0.edge][$0.candidate].name, $0.input) } })
            let skipping = chosen.flatMap(\.self).filter {
                edges[$0.edge][$0.candidate].name == CellOperation.skipConnect.name && $0.strength > 0
            }
            guard let skips, skipping.count > skips,
                let weakest = skipping.min(by: { $0.strength < $1.strength })
            else { return cell }
            strengths[weakest.edge][weakest.candidate] = 0
        }
    }

    /// A candidate on an edge from a state.
    private typealias Candidate = (edge: Int, input: Int, candidate: Int, strength: Double)

    /// For each node its strongest edges' strongest candidates that compute.
    private func choice(_ strengths: [[Double]], keeping count: Int) -> [[Candidate]] {
        var first = 0
        return nodes.map { inputs in
            defer { first += inputs.count }
            let strongest = inputs.enumerated().map { input, candidates in
                let row = strengths[first + input]
                let computing = columns(candidates)
                let best = computing.dropFirst().reduce(computing[0]) { row[$1] > row[$0] ? $1 : $0 }
                return Candidate(first + input, input, best, row[best])
            }
            return Array(
                strongest.sorted { ($1.strength, $0.input) < ($0.strength, $1.input) }.prefix(count))
        }
    }

    /// The strongest candidates of each edge, in their order; the first of equals go. One that computes something
    /// stays (Chen et al., 2019, section 3.2).
    ///
    /// - Parameters:
    ///   - count: how many stay.
    ///   - alpha: [edges, candidates].
    /// - Throws: `TensorError` if α is not of `shape`.
    public func keeping(_ count: Int, strongestIn alpha: Tensor) throws -> CandidateEdges {
        let strengths = try strengths(alpha)
        return try replacing(
            zip(edges, strengths).map { candidates, row in
                let ranked = candidates.indices.sorted { (row[$0], $0) > (row[$1], $1) }
                var kept = Array(ranked.prefix(count))
                if !kept.contains(where: { candidates[$0].computes }) {
                    kept[kept.count - 1] = ranked.first { candidates[$0].computes }!
                }
                return kept.sorted().map { candidates[$0] }
            })
    }

    /// For each edge the columns of the candidates that learn, the strongest first, and the first of equals.
    ///
    /// - Throws: `TensorError` if α is not of `shape`.
    public func rankings(_ alpha: Tensor) throws -> [[Int]] {
        try zip(edges, strengths(alpha)).map { candidates, row in
            candidates.indices.filter { candidates[$0].learns }.sorted { (row[$1], $0) < (row[$0], $1) }
        }
    }

    /// Other candidates on the same edges.
    ///
    /// - Parameter candidates: edge by edge.
    /// - Throws: `SettingError` as `init(nodes:)`.
    public func replacing(_ candidates: [[CellOperation]]) throws -> CandidateEdges {
        var rest = candidates[...]
        return try CandidateEdges(
            nodes: nodes.map { inputs in
                defer { rest = rest.dropFirst(inputs.count) }
                return Array(rest.prefix(inputs.count))
            }, relaxation: relaxation)
    }

    /// The same edges, whose candidates are changed one by one.
    public func mapping(_ change: (CellOperation) -> CellOperation) throws -> CandidateEdges {
        try CandidateEdges(nodes: nodes.map { $0.map { $0.map(change) } }, relaxation: relaxation)
    }

    /// The mean over edges of the entropy of the candidates' strengths, in nats: that of even ones in the beginning,
    /// near 0 where every edge has chosen.
    ///
    /// - Throws: `TensorError` if α is not of `shape`.
    public func entropy(_ alpha: Tensor) throws -> Double {
        let entropies = try strengths(alpha).map { row in
            let total = row.reduce(0, +)
            let isDistribution = abs(total - 1) < 1e-12
            return row.map { isDistribution ? $0 : $0 / total }.reduce(0.0) {
                $1 > 0 ? $0 - $1 * log($1) : $0
            }
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
