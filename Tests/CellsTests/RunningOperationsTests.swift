import CPUEngine
import Cells
import ErrataCore
import NeuralNetworks
import TensorEngine
import Testing

@Suite("A node of which some operations run")
struct RunningOperationsTests {
    private let backend: CPUBackend
    private let node: CellNode
    private let layout: ModelLayout
    private let state: ModelState
    private let states: [Tensor]

    init() throws {
        backend = try CPUBackend(threads: 1)
        let builder = LayoutBuilder()
        node = CellNode(
            builder.root,
            [
                [.zero, .maxPool3x3, .skipConnect],
                [.zero, .separableConvolution(3), .dilatedConvolution(3)],
            ],
            channels: 4, stride: { _ in 2 })
        layout = builder.layout
        state = try layout.initialState(on: backend, .float64, from: RandomStream(seed: 1))
        states = (0..<2).map { [backend] in
            backend.normal([2, 5, 5, 4], .float64, from: RandomStream(seed: 2, "\($0)"))
        }
    }

    private struct Found {
        var output: [Double]
        var weights, parameters: [Double]
        var buffers: [[Double]]
    }

    private func find(_ weights: [Double], running: [Int]?) throws -> Found {
        let updates = BufferUpdates()
        let variables = state.variables
        let weights = try backend.tensor(weights, [weights.count]).variable
        let output = try node.mixture(
            of: states, weights: NodeWeights(weights, running: running),
            ForwardContext(variables, updates: updates))
        let found = try gradients(
            of: output.squared().sum(), withRespectTo: [weights] + variables.parameters)
        return Found(
            output: try output.doubles(), weights: try found[0].doubles(),
            parameters: try found.dropFirst().flatMap { try $0.doubles() },
            buffers: try updates.updated(state.buffers).map { try $0.doubles() })
    }

    @Test(
        "Its value and gradients are those of all operations, the others weighing nothing", arguments: 0..<4)
    func same(_ operation: Int) throws {
        let weights = (0..<4).map { $0 == operation ? 0.7 : 0 }
        let (all, one) = (try find(weights, running: nil), try find(weights, running: [operation]))
        func near(_ a: [Double], _ b: [Double]) -> Bool {
            a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) < 1e-10 }
        }
        #expect(near(all.output, one.output))
        #expect(near(all.parameters, one.parameters))
        #expect(abs(all.weights[operation] - one.weights[operation]) < 1e-10)
        #expect(one.weights.enumerated().allSatisfy { $0.offset == operation || $0.element == 0 })
        #expect(all.weights.enumerated().contains { $0.offset != operation && $0.element != 0 })
    }

    @Test("Batch norms of operations that do not run record nothing")
    func buffers() throws {
        let before = try state.buffers.map { try $0.doubles() }
        let found = try find([1, 0, 0, 0], running: [0]).buffers
        let moved = layout.buffers.indices.filter { before[$0] != found[$0] }.map { layout.buffers[$0].name }
        #expect(!moved.isEmpty && moved.allSatisfy { $0.contains("max_pool_3x3") }, "\(moved)")
    }

    @Test("Where none runs the node is 0, of the extents that its operations have")
    func none() throws {
        let context = ForwardContext(state)
        let weights = try backend.ones([4], .float64)
        let found = try node.mixture(of: states, weights: NodeWeights(weights, running: []), context)
        #expect(found.shape == [2, 3, 3, 4])
        #expect(try found.doubles().allSatisfy { $0 == 0 })
        #expect(
            try node.mixture(of: states, weights: NodeWeights(weights), context).shape == found.shape)
    }
}
