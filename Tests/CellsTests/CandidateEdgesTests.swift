import CPUEngine
import Cells
import ErrataCore
import Foundation
import TensorEngine
import Testing

@Suite("Candidates on edges")
struct CandidateEdgesTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    private let operations: [CellOperation] = [
        .maxPool3x3, .zero, .skipConnect, .separableConvolution(3),
    ]

    private func softmax(_ row: [Double]) -> [Double] {
        let total = row.reduce(0) { $0 + exp($1) }
        return row.map { exp($0) / total }
    }

    @Test("Weights are the softmax of an edge, less that of none wherever it stands")
    func weights() throws {
        let rows = [[0.1, 2, -1, 0.5], [1, 0, 0.3, -0.2]]
        let pass = RelaxationPass(random: RandomStream(seed: 1))
        let edges = try CandidateEdges(nodes: 1, operations: operations)
        let alpha = try backend.tensor(rows.flatMap(\.self), edges.shape)
        let found = try edges.weights(alpha, in: pass)[0].tensor.doubles()
        let expected = rows.map(softmax).flatMap { [$0[0], $0[2], $0[3]] }
        #expect(found.count == 6 && zip(found, expected).allSatisfy { abs($0 - $1) < 1e-15 })

        // Edges that differ in where none stands, or whether it does.
        let others = try CandidateEdges(nodes: [
            [[.skipConnect, .maxPool3x3, .averagePool3x3, .separableConvolution(3)], operations]
        ])
        let differing = try others.weights(alpha, in: pass)[0].tensor.doubles()
        let all = softmax(rows[0]) + expected[3...]
        #expect(differing.count == 7 && zip(differing, all).allSatisfy { abs($0 - $1) < 1e-15 })
    }

    @Test("What makes no candidates is refused")
    func refused() {
        #expect(throws: SettingError.self) { try CandidateEdges(nodes: 0, operations: operations) }
        #expect(throws: SettingError.self) { try CandidateEdges(nodes: 2, operations: [.zero]) }
        #expect(throws: SettingError.self) {
            try CandidateEdges(nodes: [[[.skipConnect], [.skipConnect, .zero]]])
        }
    }

    @Test("Rounding orders no operations: the rule is taken in Float64")
    func precision() throws {
        let edges = try CandidateEdges(nodes: 2, operations: operations)
        // Neighbours in Float32: their softmax in Float32 is often the same or the other way round.
        let stream = RandomStream(seed: 5, "neighbours")
        var (asInDouble, byHand) = (0, 0)
        for trial in 0..<200 {
            let values = (0..<edges.shape.count).map { index -> Float in
                let steps = stream.derived(UInt64(trial)).integer(below: 4, at: UInt64(index))
                return (0..<steps).reduce(Float(0.001)) { value, _ in value.nextUp }
            }
            let single = try edges.cell(backend.tensor(values, edges.shape))
            let double = try edges.cell(backend.tensor(values.map(Double.init), edges.shape))
            asInDouble += single == double ? 1 : 0
            // The first node's two edges: the strongest operation, the first of equals.
            let expected = (0..<2).map { edge -> String in
                let row = values[(edge * 4)..<(edge * 4 + 4)].map(Double.init)
                return operations[[2, 3].reduce(0) { row[$1] > row[$0] ? $1 : $0 }].name
            }
            byHand +=
                single.nodes[0].sorted { $0.input < $1.input }.map(\.operation) == expected ? 1 : 0
        }
        #expect(asInDouble == 200 && byHand == 200)
    }

    @Test("Edge weights decide which edges are kept, not their operations; as many are kept as asked for")
    func edgeWeights() throws {
        let edges = try CandidateEdges(nodes: 2, operations: operations)
        var values = [Double](repeating: 0, count: edges.shape.count)
        values[2 * 4 + 2] = 3  // the second node's first edge is strongest by itself
        let alpha = try backend.tensor(values, edges.shape)
        #expect(try edges.cell(alpha).nodes[1].map(\.input) == [0, 1])
        let beta = try backend.tensor([0, 0, -3, -1, 0].map(Double.init), [5])
        let weighed = try edges.cell(alpha, beta: beta)
        #expect(weighed.nodes[1] == [.init("max_pool_3x3", 2), .init("max_pool_3x3", 1)])
        #expect(try edges.cell(alpha, keeping: 1).nodes.map(\.count) == [1, 1])
        #expect(try edges.cell(alpha, keeping: 3).nodes.map(\.count) == [2, 3])
    }

    @Test("Entropy: ln n of even weights, 0 of a choice, the mean over edges between")
    func entropy() throws {
        let edges = try CandidateEdges(nodes: 1, operations: operations)
        func entropy(_ values: [Double]) throws -> Double {
            try edges.entropy(backend.tensor(values, edges.shape))
        }
        #expect(abs(try entropy([0, 0, 0, 0, 1, 1, 1, 1]) - log(4)) < 1e-14)
        #expect(abs(try entropy([0, 2000, 0, 0, 0, 0, 0, 2000])) < 1e-14)
        #expect(abs(try entropy([0, 2000, 0, 0, 0, 0, 0, 0]) - log(4) / 2) < 1e-14)
        #expect(throws: TensorError.self) { try edges.entropy(backend.tensor([0.0], [1, 1])) }
    }

    @Test(
        "The cell of parameters drawn alike is drawn evenly, with none among the candidates and edge weights too"
    )
    func uniform() throws {
        let edges = try CandidateEdges(nodes: 2, operations: operations)
        let trials = 8000
        var counts: [CellGenotype.Cell: Int] = [:]
        for trial in 0..<trials {
            let stream = RandomStream(seed: UInt64(trial))
            let cell = try edges.cell(
                backend.normal(edges.shape, .float32, from: stream.derived("α")),
                beta: backend.normal([edges.edges.count], .float32, from: stream.derived("β")))
            // A node's edges in no order.
            counts[.init(nodes: cell.nodes.map { $0.sorted { $0.input < $1.input } }), default: 0] += 1
        }
        // Three operations on each of the first node's edges, and on two of the second's three.
        let cells = 9 * 27
        #expect(counts.count == cells)
        let expected = Double(trials) / Double(cells)
        let statistic = counts.values.reduce(0.0) {
            $0 + (Double($1) - expected) * (Double($1) - expected) / expected
        }
        // χ² of 242 degrees of freedom: five standard deviations.
        #expect(abs(statistic - 242) < 5 * (2 * 242.0).squareRoot(), "\(statistic)")
    }
}
