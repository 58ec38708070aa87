import CPUEngine
import Cells
import DARTS
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

private func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

@Suite("The DARTS space agrees with one written in PyTorch")
struct FixtureTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 2) }

    struct FixtureTensor: Decodable {
        let shape: [Int]
        let values: [Double]

        func tensor(on backend: CPUBackend) throws -> Tensor { try backend.tensor(values, Shape(shape)) }
    }

    /// A parameter's name in the reference.
    private func referenceName(_ name: String) -> String {
        var result = name.replacingOccurrences(of: ".edges.", with: ".")
        for (ours, theirs) in [
            ("auxiliary.reduce", "auxiliary.2"), ("auxiliary.norm0", "auxiliary.3"),
            ("auxiliary.convolution", "auxiliary.5"), ("auxiliary.norm1", "auxiliary.6"),
            ("auxiliary.classifier", "auxiliary.9"), (".scale", ".weight"), (".shift", ".bias"),
        ] {
            result = result.replacingOccurrences(of: ours, with: theirs)
        }
        // A discrete cell's edges: `cells.0.edges.3.sep_conv_3x3.first` → `cells.0.operations.3.first`.
        let parts = name.split(separator: ".")
        if parts.count > 4, parts[0] == "cells", parts[2] == "edges" {
            let rest = result.split(separator: ".")
            result = (rest[0..<2] + ["operations", rest[2]] + rest[4...]).joined(separator: ".")
        }
        return result
    }

    /// The values that `generate.py` fills a model with.
    private func state(_ layout: ModelLayout) throws -> ModelState {
        var state = try layout.initialState(on: backend, .float64, from: RandomStream(seed: 1))
        state.parameters = try layout.parameters.map { entry in
            let name = referenceName(entry.name)
            let fan = entry.shape.rank > 1 ? entry.shape.count / entry.shape.channels : 1
            let shift = entry.shape.rank == 1 && name.contains("norm") && name.hasSuffix("weight") ? 1.0 : 0
            return try backend.tensor(
                (0..<entry.shape.count).map {
                    shift + 0.5 * sin(0.37 * Double($0) + 0.11 * Double(name.count))
                        / Double(fan).squareRoot()
                }, entry.shape)
        }
        return state
    }

    private func expectClose(_ a: Tensor, _ b: FixtureTensor, _ tolerance: Double, _ what: Comment) throws {
        #expect(a.shape == Shape(b.shape), what)
        let scale = max(1, b.values.map(abs).max() ?? 0)
        let worst = zip(try a.doubles(), b.values).map { abs($0 - $1) }.max() ?? .infinity
        #expect(worst <= tolerance * scale, "\(what): off by \(worst)")
    }

    private struct CellCase: Decodable {
        let reduction, followsReduction: Bool
        let beforeLast, last, alphas, output, cotangent: FixtureTensor
        let beforeLastGradient, lastGradient, alphasGradient: FixtureTensor
        let weightGradients: [String: FixtureTensor]
    }

    @Test("A search cell's output and gradients")
    func cell() throws {
        let candidates = try CandidateEdges(nodes: 4, operations: CellOperation.darts)
        for test in try fixture("cell", as: [CellCase].self) {
            let builder = LayoutBuilder()
            let cell = SearchCell(
                builder.root,
                .init(
                    kind: test.reduction ? .reduction : .normal, beforeLast: 8, last: 12, channels: 4,
                    followsReduction: test.followsReduction), candidates)
            let state = try state(builder.layout).variables
            let inputs = try [test.beforeLast, test.last, test.alphas].map {
                try $0.tensor(on: backend).variable
            }
            let output = try cell(
                inputs[0], inputs[1],
                weights: candidates.weights(
                    inputs[2], in: RelaxationPass(random: RandomStream(seed: 1))), ForwardContext(state))
            try expectClose(output, test.output, 1e-11, "output")
            let names = builder.layout.parameters.map { referenceName($0.name) }
            let chosen = test.weightGradients.keys.sorted()
            let found = try gradients(
                of: [output],
                withRespectTo: inputs
                    + chosen.map { state.parameters[try #require(names.firstIndex(of: $0))] },
                cotangents: [test.cotangent.tensor(on: backend)])
            let expected =
                [test.beforeLastGradient, test.lastGradient, test.alphasGradient]
                + chosen.map { test.weightGradients[$0]! }
            for (gradient, (value, name)) in zip(
                found, zip(expected, ["beforeLast", "last", "alphas"] + chosen))
            {
                try expectClose(gradient, value, 1e-10, "\(name)")
            }
        }
    }

    private struct NetworkCase: Decodable {
        let images, logits, large, discrete, auxiliary: FixtureTensor
        let alphas: [FixtureTensor]
    }

    @Test("The logits of a supernet and of a discrete network")
    func networks() throws {
        let test = try fixture("networks", as: NetworkCase.self)
        var configuration = CellSpaceSettings()
        (configuration.channels, configuration.cells) = (2, 3)
        let space = try CellSearchSpace(configuration)
        let small = ImageSpecification(height: 8, width: 8, channels: 3, classes: 5)
        let supernet = try space.supernet(for: small)
        let logits = try supernet.logits(
            test.images.tensor(on: backend), architecture: test.alphas.map { try $0.tensor(on: backend) },
            ForwardContext(state(supernet.layout)))
        try expectClose(logits, test.logits, 1e-10, "supernet")

        let images = ImageSpecification(height: 32, width: 32, channels: 3, classes: 5)
        let network = try space.network(
            .dartsV2, CellNetworkSettings(channels: 4, cells: 4, auxiliary: true), for: images)
        let outputs = try #require(network as? DerivedNetwork).outputs(
            test.large.tensor(on: backend), ForwardContext(state(network.layout)), withAuxiliary: true)
        try expectClose(outputs.logits, test.discrete, 1e-10, "discrete")
        try expectClose(try #require(outputs.auxiliary), test.auxiliary, 1e-10, "auxiliary")
    }
}

@Suite("The genotype rule")
struct GenotypeRuleTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    /// α with the given operations strong on the given edges: (edge, column, value).
    private func alphas(_ strong: [(Int, Int, Double)]) throws -> Tensor {
        var values = [Double](repeating: 0, count: 14 * 8)
        for (edge, column, value) in strong { values[edge * 8 + column] = value }
        return try backend.tensor(values, [14, 8])
    }

    @Test("The two strongest edges of a node, the strongest first; none never chosen")
    func rule() throws {
        let normal = try alphas([
            (0, 4, 1), (1, 1, 2),  // node 0: max_pool on 1, sep_conv_3x3 on 0
            (2, 0, 9), (2, 5, 3), (3, 7, 1), (4, 3, 2),  // none weighs most on edge 2, and so all else little
            (5, 6, 1), (8, 2, 1),  // equals: the first edge first
        ])
        let genotype = try CellSearchSpace().genotype(of: [normal, alphas([])])
        let edges = genotype.normal.edges
        #expect(Array(edges[0..<2]) == [.init("max_pool_3x3", 1), .init("sep_conv_3x3", 0)])
        #expect(Array(edges[2..<4]) == [.init("skip_connect", 2), .init("dil_conv_5x5", 1)])
        #expect(Array(edges[4..<6]) == [.init("dil_conv_3x3", 0), .init("avg_pool_3x3", 3)])
        #expect(genotype.normal.concatenation == [2, 3, 4, 5])
        #expect(genotype.reduction.edges.allSatisfy { $0.operation == "max_pool_3x3" })
    }

    @Test(arguments: [(31, 29, 3), (7, 9, 1), (33, 32, 3)])
    func oddSizesWork(_ height: Int, width: Int, channels: Int) throws {
        var configuration = CellSpaceSettings()
        (configuration.channels, configuration.cells) = (3, 4)
        let images = ImageSpecification(height: height, width: width, channels: channels, classes: 4)
        let space = try CellSearchSpace(configuration)
        let supernet = try space.supernet(for: images)
        let stream = RandomStream(seed: 1)
        let state = try supernet.layout.initialState(on: backend, .float32, from: stream).variables
        let architecture = try space.architecture.initialState(on: backend, .float32, from: stream).parameters
        let logits = try supernet.logits(
            backend.normal([1, height, width, channels], .float32, from: stream), architecture: architecture,
            ForwardContext(state))
        #expect(logits.shape == [1, 4])
        let found = try gradients(of: logits.sum(), withRespectTo: state.parameters)
        #expect(try found.allSatisfy { try $0.doubles().allSatisfy(\.isFinite) })
    }

    @Test func auxiliaryHeadsNeedRoom() throws {
        let images = ImageSpecification(height: 16, width: 16, channels: 3, classes: 4)
        #expect(throws: SettingError.self) {
            try CellSearchSpace().network(.dartsV2, CellNetworkSettings(channels: 4, cells: 3), for: images)
        }
    }

    @Test func aGenotypeOfAnotherSpaceIsRefused() throws {
        var genotype = CellGenotype.dartsV2
        genotype.normal.nodes[0][0].operation = "conv_1x1"
        let images = ImageSpecification(height: 32, width: 32, channels: 3, classes: 4)
        #expect(throws: GenotypeError.self) {
            try CellSearchSpace().network(genotype, CellNetworkSettings(), for: images)
        }
    }
}
