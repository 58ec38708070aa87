import CPUEngine
import Cells
import ErrataCore
import Foundation
import NeuralNetworks
import PCDARTS
import TensorEngine
import Testing

@Suite("Partial channels and edge weights")
struct PartialChannelTests {
    private let backend: CPUBackend
    private let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)

    init() throws { backend = try CPUBackend(threads: 1) }

    private func settings(_ change: (inout CellSpaceSettings) -> Void = { _ in }) -> CellSpaceSettings {
        var settings = CellSpaceSettings.partial
        (settings.channels, settings.cells, settings.nodes, settings.stemMultiplier) = (8, 3, 2, 1)
        change(&settings)
        return settings
    }

    private func architecture(of space: CellSearchSpace) -> [Tensor] {
        space.architecture.parameters.enumerated().map { index, parameter in
            backend.normal(parameter.shape, .float64, from: RandomStream(seed: 9).derived(UInt64(index)))
        }
    }

    @Test("PC-DARTS's own values: a fourth of the channels, a β for each edge")
    func published() throws {
        let space = try CellSearchSpace(.partial)
        #expect(space.architecture.parameters.map(\.shape) == [[14, 8], [14, 8], [14], [14]])
        #expect(
            space.architecture.parameters.map(\.name) == [
                "normal", "reduce", "normal_edges", "reduce_edges",
            ])
        let pointwise = try space.supernet(for: .init(height: 32, width: 32, channels: 3, classes: 10))
            .layout.parameters.first { $0.name.contains("sep_conv_3x3.first.pointwise") }
        #expect(pointwise?.shape == [1, 1, 4, 4])
    }

    @Test("The skip connection alone, fully chosen, hands on every channel: shuffled, as often as β says")
    func shuffling() throws {
        let candidates = try CandidateEdges(nodes: 1, operations: [.skipConnect])
        let builder = LayoutBuilder()
        let place = CellStack.Cell(
            kind: .normal, beforeLast: 8, last: 8, channels: 8, followsReduction: false)
        // The node by itself: preprocessing would mix the channels.
        let node = PartialChannelNode(builder.root, place, candidates.nodes[0], parts: 4)
        let context = ForwardContext(
            try builder.layout.initialState(on: backend, .float64, from: .init(seed: 1)))
        let states = try (0..<2).map { state in
            try backend.tensor((0..<8).map { Double(10 * state + $0) }, [1, 1, 1, 8])
        }
        func output(_ weights: [Double]) throws -> [Double] {
            try node.mixture(
                of: states, weights: NodeWeights(backend.tensor(weights, [weights.count])), context
            ).doubles()
        }
        // Channel c of group g goes to 4·c + g: groups {0, 1}, {2, 3}, {4, 5}, {6, 7}.
        let sums: [Double] = (0..<8).map { Double(2 * $0 + 10) }
        let order = [0, 2, 4, 6, 1, 3, 5, 7]
        #expect(try output([1, 1]) == order.map { sums[$0] })
        // Operations' weights act on the first part, β on what passes by.
        let weighed = (0..<8).map { channel -> Double in
            let (first, second) = channel < 2 ? (0.25, 0.5) : (0.75, 0.25)
            return first * Double(channel) + second * Double(10 + channel)
        }
        #expect(try output([0.25, 0.5, 0.75, 0.25]) == order.map { weighed[$0] })
    }

    @Test("What passes by a reduction is pooled, whatever the extent", arguments: [6, 7])
    func reduction(_ extent: Int) throws {
        let candidates = try CandidateEdges(nodes: 1, operations: [.maxPool3x3])
        let builder = LayoutBuilder()
        let place = CellStack.Cell(
            kind: .reduction, beforeLast: 4, last: 4, channels: 4, followsReduction: false)
        let node = PartialChannelNode(builder.root, place, candidates.nodes[0], parts: 2)
        let context = ForwardContext(
            try builder.layout.initialState(on: backend, .float64, from: .init(seed: 1)))
        let x = backend.normal([2, extent, extent, 4], .float64, from: RandomStream(seed: 2))
        let output = try node.mixture(
            of: [x, x], weights: NodeWeights(backend.tensor([0.5, 0.5, 1, 0], [4])), context)
        #expect(output.shape == [2, (extent + 1) / 2, (extent + 1) / 2, 4])
        // Channel 2 passes by, and comes to place 1: the maximum of a corner.
        let (first, values) = (try output.doubles()[1], try x.doubles())
        let corner = (0..<2).flatMap { row in (0..<2).map { values[(row * extent + $0) * 4 + 2] } }
        #expect(first == corner.max())
    }

    @Test("β weighs edges in the network and in the genotype's rule")
    func edgeWeights() throws {
        let space = try CellSearchSpace(settings())
        let supernet = try space.supernet(for: images)
        let state = try supernet.layout.initialState(on: backend, .float64, from: .init(seed: 2))
        let x = backend.normal([2, 8, 8, 1], .float64, from: RandomStream(seed: 4))
        let architecture = architecture(of: space).map(\.variable)
        let logits = try supernet.logits(x, architecture: architecture, ForwardContext(state))
        for gradient in try gradients(of: (logits * logits).sum(), withRespectTo: architecture) {
            #expect(try gradient.doubles().allSatisfy { $0 != 0 })
        }
        var even = try space.architecture.parameters.map {
            try backend.tensor([Double](repeating: 0, count: $0.shape.count), $0.shape)
        }
        even[2] = try backend.tensor([0.0, 0, 2, 1, -1], [5])
        #expect(try space.genotype(of: even).normal.nodes[1].map(\.input) == [0, 1])
        #expect(try space.genotype(of: even).reduction.nodes[1].map(\.input) == [0, 1])
        even[3] = try backend.tensor([0.0, 0, -2, 1, 3], [5])
        #expect(try space.genotype(of: even).reduction.nodes[1].map(\.input) == [2, 1])
    }

    @Test(
        "Partial channels, edge weights, stages and skip dropout combine", arguments: [1, 2], [false, true])
    func combined(_ parts: Int, _ edgeWeights: Bool) throws {
        var space = try CellSearchSpace(
            settings {
                ($0.partialChannels, $0.edgeWeights) = (parts, edgeWeights)
                $0.stages = [
                    .init(skipDropout: 0.2), .init(addedCells: 1, addedChannels: 2, candidates: 3),
                ]
                $0.normalSkips = 1
            })
        for stage in 0..<2 {
            let supernet = try space.supernet(for: images)
            let state = try supernet.layout.initialState(on: backend, .float64, from: .init(seed: 2))
                .variables
            let architecture = architecture(of: space).map(\.variable)
            let x = backend.normal([2, 8, 8, 1], .float64, from: RandomStream(seed: 4))
            let logits = try supernet.logits(
                x, architecture: architecture, ForwardContext(state, random: .init(seed: 3)))
            let found = try gradients(
                of: (logits * logits).sum(), withRespectTo: state.parameters + architecture)
            #expect(try found.allSatisfy { try $0.doubles().contains { $0 != 0 } })
            let genotype = try space.genotype(of: architecture)
            #expect(genotype.normal.edges.count { $0.operation == "skip_connect" } <= 1)
            if stage == 0 { space = try #require(try space.next(after: architecture)) }
        }
        #expect(space.architecture.parameters.count == (edgeWeights ? 4 : 2))
    }
}
