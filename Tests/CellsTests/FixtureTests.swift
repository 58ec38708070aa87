import CPUEngine
import Cells
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

@Suite("The cell space agrees with one written in PyTorch, edge by edge")
struct FixtureTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 2) }

    private func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
        return try JSONDecoder().decode(type, from: Data(contentsOf: url))
    }

    struct FixtureTensor: Decodable {
        let shape: [Int]
        let values: [Double]
    }

    private func variable(_ tensor: FixtureTensor) throws -> Tensor {
        try backend.tensor(tensor.values, Shape(tensor.shape)).variable
    }

    /// The values that the fixtures' models are filled with.
    private func state(_ layout: ModelLayout) throws -> ModelState {
        var state = try layout.initialState(on: backend, .float64, from: RandomStream(seed: 1))
        state.parameters = try layout.parameters.map { entry in
            let name = entry.name.replacingOccurrences(of: ".scale", with: ".weight")
                .replacingOccurrences(of: ".shift", with: ".bias")
            let fan = entry.shape.rank > 1 ? entry.shape.count / entry.shape.channels : 1
            let base = entry.shape.rank == 1 && name.contains("norm") && name.hasSuffix("weight") ? 1.0 : 0
            return try backend.tensor(
                (0..<entry.shape.count).map {
                    base + 0.5 * sin(0.37 * Double($0) + 0.11 * Double(name.count)) / Double(fan).squareRoot()
                }, entry.shape)
        }
        return state
    }

    /// Images [N, H, W, 3] whose element i is sin(0.7·i) + sin(0.013·i).
    private func wave(_ count: Int, extent: Int) throws -> Tensor {
        let shape: Shape = [count, extent, extent, 3]
        return try backend.tensor(
            (0..<shape.count).map { sin(0.7 * Double($0)) + sin(0.013 * Double($0)) }, shape)
    }

    private func expectClose(_ found: [Tensor], _ expected: [FixtureTensor], _ what: Comment) throws {
        #expect(found.map(\.shape) == expected.map { Shape($0.shape) }, what)
        for (index, (found, expected)) in zip(found, expected).enumerated() {
            let scale = max(1, expected.values.map(abs).max() ?? 0)
            let worst = zip(try found.doubles(), expected.values).map { abs($0 - $1) }.max() ?? .infinity
            #expect(worst <= 1e-10 * scale, "\(what) \(index): off by \(worst)")
        }
    }

    // MARK: Partial channels

    private struct PartialCase: Decodable {
        let shuffle: ShuffleCase
        let nodes: [NodeCase]
        let cells: [CellCase]
    }

    private struct ShuffleCase: Decodable {
        let input, output, cotangent, gradient: FixtureTensor
    }

    private struct NodeCase: Decodable {
        let reduction: Bool
        let states: [FixtureTensor]
        let alphas, betas, output, cotangent: FixtureTensor
        let stateGradients: [FixtureTensor]
        let alphasGradient, betasGradient: FixtureTensor
    }

    private struct CellCase: Decodable {
        let reduction, followsReduction: Bool
        let beforeLast, last, alphas, betas, output, cotangent: FixtureTensor
        let gradients: [FixtureTensor]
    }

    /// What a node is applied with: its operations' weights, then its edges'.
    private func mixing(_ candidates: CandidateEdges, _ alpha: Tensor, _ beta: Tensor) throws -> [NodeWeights]
    {
        let edges = try candidates.edgeWeights(beta)
        let pass = RelaxationPass(random: RandomStream(seed: 1))
        return try zip(candidates.weights(alpha, edgeWeights: edges, in: pass), edges).map {
            try NodeWeights(.concatenated([$0.tensor, $1], axis: 0))
        }
    }

    @Test("Channels are shuffled")
    func shuffle() throws {
        let test = try fixture("partial", as: PartialCase.self).shuffle
        let place = CellStack.Cell(
            kind: .normal, beforeLast: 12, last: 12, channels: 12, followsReduction: false)
        let node = PartialChannelNode(LayoutBuilder().root, place, [[.skipConnect]], parts: 4)
        let x = try variable(test.input)
        let y = try node.mixture(
            of: [x], weights: NodeWeights(backend.tensor([1.0, 1], [2])),
            ForwardContext(ModelState(parameters: [], buffers: [])))
        try expectClose([y], [test.output], "output")
        try expectClose(
            gradients(of: [y], withRespectTo: [x], cotangents: [variable(test.cotangent).detached]),
            [test.gradient], "gradient")
    }

    @Test("A node of partial channels with edge weights, and its gradients", arguments: [0, 1])
    func node(_ index: Int) throws {
        let test = try fixture("partial", as: PartialCase.self).nodes[index]
        let candidates = try CandidateEdges(nodes: 1, operations: CellOperation.darts)
        let builder = LayoutBuilder()
        let place = CellStack.Cell(
            kind: test.reduction ? .reduction : .normal, beforeLast: 8, last: 8, channels: 8,
            followsReduction: false)
        let node = PartialChannelNode(builder.root, place, candidates.nodes[0], parts: 4)
        let (states, alpha, beta) = (
            try test.states.map(variable), try variable(test.alphas), try variable(test.betas)
        )
        let output = try node.mixture(
            of: states, weights: mixing(candidates, alpha, beta)[0], ForwardContext(state(builder.layout)))
        try expectClose([output], [test.output], "output")
        let found = try gradients(
            of: [output], withRespectTo: states + [alpha, beta],
            cotangents: [variable(test.cotangent).detached])
        try expectClose(
            found, test.stateGradients + [test.alphasGradient, test.betasGradient], "gradient")
    }

    @Test("A cell of PC-DARTS, and its gradients", arguments: [0, 1, 2])
    func cell(_ index: Int) throws {
        let test = try fixture("partial", as: PartialCase.self).cells[index]
        let candidates = try CandidateEdges(nodes: 4, operations: CellOperation.darts)
        let builder = LayoutBuilder()
        let cell = SearchCell(
            builder.root,
            .init(
                kind: test.reduction ? .reduction : .normal, beforeLast: 8, last: 12, channels: 8,
                followsReduction: test.followsReduction), candidates, parts: 4)
        let inputs = try [test.beforeLast, test.last, test.alphas, test.betas].map(variable)
        let output = try cell(
            inputs[0], inputs[1], weights: mixing(candidates, inputs[2], inputs[3]),
            ForwardContext(state(builder.layout)))
        try expectClose([output], [test.output], "output")
        try expectClose(
            gradients(
                of: [output], withRespectTo: inputs, cotangents: [variable(test.cotangent).detached]),
            test.gradients, "gradient")
    }

    // MARK: Networks

    private struct NetworkCases: Decodable {
        let supernets: [SupernetCase]
        let networks: [NetworkCase]
    }

    private struct SupernetCase: Decodable {
        let stem: String
        let parts, extent: Int
        let architecture, gradients: [FixtureTensor]
        let logits: FixtureTensor
    }

    private struct NetworkCase: Decodable {
        let auxiliaryNorm: Bool
        let logits, auxiliary: FixtureTensor
    }

    @Test("The supernets of PC-DARTS for CIFAR and for ImageNet, and A's gradient", arguments: [0, 1])
    func supernet(_ index: Int) throws {
        let test = try fixture("networks", as: NetworkCases.self).supernets[index]
        var settings = CellSpaceSettings()
        (settings.channels, settings.cells) = (4, 4)
        (settings.partialChannels, settings.edgeWeights) = (test.parts, true)
        settings.stem = try #require(StemKind(rawValue: test.stem))
        let images = ImageSpecification(height: test.extent, width: test.extent, channels: 3, classes: 5)
        let supernet = try CellSearchSpace(settings).supernet(for: images)
        let architecture = try test.architecture.map(variable)
        let logits = try supernet.logits(
            wave(2, extent: test.extent), architecture: architecture, ForwardContext(state(supernet.layout)))
        try expectClose([logits], [test.logits], "logits")
        let loss = try logits.crossEntropy(backend.tensor([Int32(1), 4], [2]))
        try expectClose(gradients(of: loss, withRespectTo: architecture), test.gradients, "gradient")
    }

    @Test(
        "AmoebaNet for ImageNet with its auxiliary head, with and without the last batch norm",
        arguments: [0, 1])
    func imagenet(_ index: Int) throws {
        let test = try fixture("networks", as: NetworkCases.self).networks[index]
        let network = try CellSearchSpace().network(
            .amoebanet,
            .init(channels: 2, cells: 4, stem: .imagenet, auxiliaryNorm: test.auxiliaryNorm, dropPath: 0),
            for: .init(height: 224, width: 224, channels: 3, classes: 5))
        let outputs = try #require(network as? DerivedNetwork).outputs(
            wave(2, extent: 224), ForwardContext(state(network.layout)), withAuxiliary: true)
        try expectClose(
            [outputs.logits, #require(outputs.auxiliary)], [test.logits, test.auxiliary], "logits")
    }

    // MARK: Operations

    private struct OperationCase: Decodable {
        let name: String
        let stride: Int
        let input, output, cotangent, gradient: FixtureTensor
    }

    @Test("The operations of NASNet and AmoebaNet that DARTS does not have", arguments: 0..<4)
    func operation(_ index: Int) throws {
        let test = try fixture("operations", as: [OperationCase].self)[index]
        let builder = LayoutBuilder()
        let operation = try #require(
            CellOperation.library.first { $0.name == test.name }?.operation(
                builder.root, channels: 3, stride: test.stride, affine: false))
        let x = try variable(test.input)
        let y = try operation(x, ForwardContext(state(builder.layout)))
        try expectClose([y], [test.output], "output")
        try expectClose(
            gradients(of: [y], withRespectTo: [x], cotangents: [variable(test.cotangent).detached]),
            [test.gradient], "gradient")
    }
}
