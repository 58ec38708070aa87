import CPUEngine
import Cells
import ErrataCore
import Foundation
import NASBench201
import NeuralNetworks
import TensorEngine
import Testing

@Suite("NAS-Bench-201's parts agree with ones written in PyTorch")
struct FixtureTests {
    private struct FixtureTensor: Decodable {
        let shape: [Int]
        let values: [Double]
    }

    private struct Case: Decodable {
        let operations: [String]
        let inputs, parameters, gradients: [FixtureTensor]
        let output, cotangent: FixtureTensor
    }

    private let backend: CPUBackend
    private let cases: [String: Case]

    init() throws {
        backend = try CPUBackend(threads: 2)
        let url = try #require(Bundle.module.url(forResource: "Fixtures/cells", withExtension: "json"))
        cases = try JSONDecoder().decode([String: Case].self, from: Data(contentsOf: url))
    }

    private func tensor(_ tensor: FixtureTensor) throws -> Tensor {
        try backend.tensor(tensor.values, Shape(tensor.shape))
    }

    /// Holds a part's output and gradients against a case's.
    private func check<Part>(
        _ name: String, _ declare: (Scope, Case) throws -> Part,
        _ apply: (Part, [Tensor], ForwardContext) throws -> Tensor
    ) throws {
        let expected = try #require(cases[name])
        let builder = LayoutBuilder()
        let part = try declare(builder.root, expected)
        let layout = builder.layout
        #expect(layout.parameters.map(\.shape) == expected.parameters.map { Shape($0.shape) })
        let parameters = try expected.parameters.map { try tensor($0).variable }
        let inputs = try expected.inputs.map { try tensor($0).variable }
        let buffers = try layout.initialState(on: backend, .float64, from: RandomStream(seed: 1)).buffers
        let context = ForwardContext(ModelState(parameters: parameters, buffers: buffers))
        let output = try apply(part, inputs, context)
        let gradients = try gradients(
            of: [output], withRespectTo: inputs + parameters, cotangents: [tensor(expected.cotangent)])
        for (found, expected) in zip([output] + gradients, [expected.output] + expected.gradients) {
            #expect(found.shape == Shape(expected.shape))
            let scale = max(1, expected.values.map(abs).max() ?? 0)
            let worst = zip(try found.doubles(), expected.values).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 1e-10 * scale)
        }
    }

    @Test("A cell of mixed operations")
    func mixed() throws {
        let operations = NASBench201Operation.allCases.map(\.cellOperation)
        let edges = try CandidateEdges(nodes: (1...3).map { Array(repeating: operations, count: $0) })
        try check("mixed") { scope, _ in
            NASBench201Cell(scope, mixing: edges, channels: 3)
        } _: { cell, inputs, context in
            try cell(
                inputs[0], weights: edges.weights(inputs[1], in: RelaxationPass(context, "cell")), context)
        }
    }

    @Test("A genotype's cell")
    func discrete() throws {
        try check("discrete") { scope, expected in
            let genotype = NASBench201Genotype(
                try expected.operations.map { try #require(NASBench201Operation(rawValue: $0)) })
            return NASBench201Cell(scope, genotype, channels: 3)
        } _: {
            try $0($1[0], $2)
        }
    }

    @Test("The residual block between stages")
    func reduction() throws {
        try check("reduction") { scope, _ in
            ResidualReduction(scope, inputs: 3)
        } _: {
            try $0($1[0], $2)
        }
    }
}
