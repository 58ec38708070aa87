import CPUEngine
import Cells
import Datasets
import ErrataCore
import NeuralNetworks
import TensorEngine
import Testing
import TinySpaces

@Suite("Spaces outside the core")
struct TinySpaceTests {
    let backend: CPUBackend
    private let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)

    init() throws { backend = try CPUBackend(threads: 2) }

    private func batch() throws -> Batch {
        try Batch(
            images: backend.normal([6, 8, 8, 1], .float64, from: RandomStream(seed: 1, "images")),
            labels: backend.tensor((0..<6).map { Int32($0 % 3) }, [6]))
    }

    private func architecture(of space: some SearchSpace) throws -> [Tensor] {
        try space.architecture.initialState(on: backend, .float64, from: .init(seed: 3)).parameters
    }

    /// Gradients reach every parameter, a pass every buffer; the genotype is written and read; its network learns.
    private func check<Space: SearchSpace>(_ space: Space, _ settings: Space.NetworkSettings) throws {
        let batch = try batch()
        let supernet = try space.supernet(for: images)
        let state = try supernet.layout.initialState(on: backend, .float64, from: .init(seed: 2)).variables
        let architecture = try architecture(of: space)
        let variables = architecture.map(\.variable)
        let updates = BufferUpdates()
        let loss = try supernet.logits(
            batch.images, architecture: variables,
            ForwardContext(state, random: .init(seed: 5), updates: updates)
        ).crossEntropy(batch.labels)
        let buffers = try updates.updated(state.buffers)
        for (entry, (before, after)) in zip(supernet.layout.buffers, zip(state.buffers, buffers)) {
            #expect(try before.doubles() != after.doubles(), "\(entry.name)")
        }
        let found = try gradients(of: loss, withRespectTo: state.parameters + variables)
        let names = supernet.layout.parameters.map(\.name) + space.architecture.parameters.map(\.name)
        for (name, gradient) in zip(names, found) {
            #expect(try gradient.doubles().contains { $0 != 0 }, "\(name)")
        }

        let genotype = try space.genotype(of: architecture)
        #expect(try Space.Genotype(parsing: "found: \(genotype)\n") == genotype)
        #expect(try Space.Genotype(decoding: genotype.encoded) == genotype)
        #expect(try Space.Genotype(decoding: .string("\(genotype)")) == genotype)

        let retraining = Retraining(
            network: try space.network(genotype, settings, for: images),
            descent: Descent(rate: 0.1, SGD(momentum: 0.9)), labelSmoothing: 0, seed: 1)
        var model = try retraining.initialModel(on: backend, .float64)
        var losses: [Double] = []
        for step in 0..<12 {
            losses.append(try retraining.step(&model, on: batch, at: .init(epochs: 12, step: step)).loss)
        }
        #expect(losses[11] < losses[0] * 0.85, "\(losses)")
        let initial = try retraining.initialModel(on: backend, .float64).state.buffers
        for (entry, (before, after)) in zip(
            retraining.network.layout.buffers, zip(initial, model.state.buffers))
        {
            #expect(try before.doubles() != after.doubles(), "\(entry.name)")
        }
    }

    private let small = CellNetworkSettings(channels: 4, cells: 3, auxiliary: false, dropPath: 0)

    @Test func partialChannels() throws {
        let space = try PartialChannelSpace()
        try check(space, small)
        // β decides which edges are kept: the third edge into the second node is the weakest.
        var architecture = try architecture(of: space).map { try $0 * 0 }
        architecture[2] = try backend.tensor([0.0, 0, 2, 1, -1], [5])
        #expect(try space.genotype(of: architecture).normal.nodes[1].map(\.input) == [0, 1])
    }

    @Test(
        "Each stage is searched; the second has lost each edge's weakest candidates, also when it is read back"
    )
    func stages() throws {
        let first = try ProgressiveSpace()
        #expect(first.stages == 2 && first.narrowing == nil)
        try check(first, small)
        // The strongest last on every edge.
        let architecture = try first.architecture.parameters.map { entry in
            try backend.tensor((0..<entry.shape.count).map { Double($0 % entry.shape[1]) }, entry.shape)
        }
        let second = try #require(try first.next(after: architecture))
        try check(second, small)
        #expect(second.architecture.parameters.map(\.shape) == [[5, 3], [5, 3]])
        let even = try second.architecture.parameters.map { entry in
            try backend.tensor([Double](repeating: 0, count: entry.shape.count), entry.shape)
        }
        #expect(try Set(second.genotype(of: even).normal.edges.map(\.operation)) == ["skip_connect"])
        #expect(try second.next(after: even) == nil)

        let narrowing = try #require(second.narrowing)
        let again = try first.narrowed(by: narrowing)
        #expect(again.narrowing == narrowing)
        #expect(
            try again.supernet(for: images).layout.parameters.map(\.name)
                == second.supernet(for: images).layout.parameters.map(\.name))
        #expect(throws: ConfigurationErrors.self) {
            try first.narrowed(by: .mapping([.init("stage", .literal("7"))]))
        }
        #expect(throws: SettingError.self) { try ChainSpace().narrowed(by: narrowing) }
    }

    @Test("What skips is dropped less and less over a stage")
    func skipDropout() throws {
        let space = try ProgressiveSpace()
        let supernet = try space.supernet(for: images)
        let state = try supernet.layout.initialState(on: backend, .float64, from: .init(seed: 2))
        // Skip connections alone.
        let architecture = try space.architecture.parameters.map { entry in
            try backend.tensor((0..<entry.shape.count).map { $0 % 5 == 2 ? 2000.0 : 0 }, entry.shape)
        }
        func logits(_ epoch: Int, seed: UInt64, _ mode: NormalizationMode = .batch) throws -> [Double] {
            try supernet.logits(
                batch().images, architecture: architecture,
                ForwardContext(
                    state, normalization: mode, time: .init(epoch: epoch, epochs: 4),
                    random: .init(seed: seed))
            ).doubles()
        }
        #expect(try logits(0, seed: 1) != logits(0, seed: 2))
        #expect(try logits(0, seed: 1) != logits(3, seed: 1))
        #expect(try logits(4, seed: 1) == logits(4, seed: 2))
        #expect(try logits(0, seed: 1, .running) == logits(3, seed: 2, .running))
    }

    @Test func chain() throws {
        let space = ChainSpace()
        try check(space, ChainNetworkSettings())
        #expect(throws: GenotypeError.self) { try ChainGenotype(parsing: "Chain(conv_3x3, conv_9x9)") }
        var wide = ChainNetworkSettings()
        wide.channels = 16
        let genotype = ChainGenotype(layers: [.wide])
        #expect(
            try space.network(genotype, wide, for: images).layout.parameterCount
                > space.network(genotype, .init(), for: images).layout.parameterCount)
    }

    @Test("The penalty is the expected number of multiplications, and its gradient makes layers cheaper")
    func penalty() throws {
        let space = ChainSpace(price: 0.5)
        let alpha = try backend.tensor([Double](repeating: 0, count: 9), [3, 3]).variable
        let penalty = try #require(try space.penalty([alpha], at: .init()))
        #expect(abs(try penalty.item() - 0.5 * 3 * (144 + 16) / 3) < 1e-12)
        let gradient = try gradients(of: penalty, withRespectTo: [alpha])[0].doubles()
        #expect(gradient[0] > 0 && gradient[2] < 0)
    }

    @Test func thePluginAddsThem() throws {
        let registry = try PluginRegistry([TinySpacesPlugin()])
        for component in registry.searchSpaces.components {
            let space = try registry.searchSpaces.resolve(.init(component.name)).make(())
            #expect(!space.architecture.parameters.isEmpty)
        }
        #expect(registry.searchSpaces.components.count == 3)
    }
}
