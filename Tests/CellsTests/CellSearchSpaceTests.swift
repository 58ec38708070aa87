import CPUEngine
import Cells
import DARTS
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

@Suite("The settings of a cell space")
struct CellSearchSpaceTests {
    let backend: CPUBackend
    private let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)

    init() throws { backend = try CPUBackend(threads: 1) }

    private func configuration(_ change: (inout CellSpaceSettings) -> Void = { _ in }) -> CellSpaceSettings {
        var configuration = CellSpaceSettings()
        (configuration.channels, configuration.cells, configuration.nodes) = (2, 3, 2)
        configuration.stemMultiplier = 1
        change(&configuration)
        return configuration
    }

    private func supernet(_ change: (inout CellSpaceSettings) -> Void = { _ in }) throws -> ModelLayout {
        try CellSearchSpace(configuration(change)).supernet(for: images).layout
    }

    @Test("Each setting changes the supernet, or A's beginning, as it says")
    func settings() throws {
        let base = try supernet()
        #expect(base.parameters[0].shape == [3, 3, 1, 2])
        #expect(try supernet { $0.channels = 3 }.parameters[0].shape == [3, 3, 1, 3])
        #expect(try supernet { $0.stemMultiplier = 4 }.parameters[0].shape == [3, 3, 1, 8])
        #expect(!base.parameters.contains { $0.name.hasPrefix("cells.3.") })
        #expect(try supernet { $0.cells = 4 }.parameters.contains { $0.name.hasPrefix("cells.3.") })
        #expect(!base.parameters.contains { $0.name.hasPrefix("cells.0.nodes.2.") })
        #expect(try supernet { $0.nodes = 3 }.parameters.contains { $0.name.hasPrefix("cells.0.nodes.2.") })
        func spread(_ deviation: Double) throws -> Double {
            let space = try CellSearchSpace(configuration { $0.initialDeviation = deviation })
            let values = try space.architecture.initialState(on: backend, .float64, from: .init(seed: 1))
                .parameters.flatMap { try $0.doubles() }
            #expect(values.count == 2 * 5 * 8)
            return (values.reduce(0) { $0 + $1 * $1 } / Double(values.count)).squareRoot()
        }
        #expect(try spread(0) == 0)
        #expect(abs(try spread(0.5) - 0.5) < 0.15)
        #expect(abs(try spread(0.5) / spread(0.001) - 500) < 1e-9)
    }

    @Test("Settings are read by their keys")
    func keys() throws {
        let read = try CellSpaceSettings(
            decoding: .mapping([
                .init("channels", .literal("5")), .init("cells", .literal("7")),
                .init("nodes", .literal("3")),
                .init("stem_multiplier", .literal("2")), .init("initial_deviation", .literal("0.5")),
                .init("operations", .sequence([.string("none"), .string("skip_connect")])),
            ]))
        var expected = CellSpaceSettings()
        (expected.channels, expected.cells, expected.nodes) = (5, 7, 3)
        (expected.stemMultiplier, expected.initialDeviation) = (2, 0.5)
        expected.operations = ["none", "skip_connect"]
        #expect(read == expected)
        var decoder = ConfigurationDecoder(registry: try PluginRegistry())
        #expect(decoder.decode(CellSpaceSettings.self, from: expected.encoded) == expected)
        try decoder.finish()
    }

    @Test("Fewer than three cells are refused by the setting's name", arguments: [1, 2])
    func tooFewCells(_ cells: Int) {
        let error = #expect(throws: SettingError.self) { try supernet { $0.cells = cells } }
        #expect(
            error?.description
                == "search_space.cells: \(cells) cells have no normal cell among them, expected at least 3")
    }

    @Test("Operations are chosen by name, in the order of A's columns")
    func operations() throws {
        let space = try CellSearchSpace(
            configuration { $0.operations = ["none", "sep_conv_3x3", "skip_connect"] })
        #expect(space.architecture.parameters.map(\.shape) == [[5, 3], [5, 3]])
        let names = try space.supernet(for: images).layout.parameters.map(\.name)
        #expect(names.contains { $0.contains("sep_conv_3x3") } && !names.contains { $0.contains("5x5") })
        let alpha = try backend.tensor((0..<15).map { $0 % 3 == 1 ? 1.0 : 0 }, [5, 3])
        let genotype = try space.genotype(of: [alpha, alpha])
        #expect(genotype.normal.edges.allSatisfy { $0.operation == "sep_conv_3x3" })
        #expect(throws: GenotypeError.self) {
            try space.network(.dartsV2, .init(channels: 2, cells: 3, auxiliary: false), for: images)
        }
    }

    @Test("What is wrong with operations is said where they stand")
    func wrongOperations() throws {
        func failure(_ names: [String]) -> String {
            let value = ConfigurationValue.mapping([
                .init(
                    "operations",
                    .sequence(
                        names.enumerated().map {
                            .init(.scalar($1, quoted: false), at: .init("s.yaml", line: 3, column: 1 + $0))
                        }))
            ])
            do {
                let registry = try PluginRegistry([DARTSPlugin()])
                let selection = ComponentSelection("darts", settings: value)
                let space = try registry.searchSpaces.resolve(selection).make(())
                return "\(space.architecture.parameters.map(\.shape))"
            } catch { return "\(error)" }
        }
        #expect(failure(["none", "skip_connect"]) == "[[14, 2], [14, 2]]")
        #expect(
            failure(["none", "sep_conv_3x", "skip_conect"])
                == """
                s.yaml:3:2: operations[1]: no operation is called 'sep_conv_3x', did you mean 'sep_conv_3x3'? \
                (there are: none, max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3, sep_conv_5x5, \
                dil_conv_3x3, dil_conv_5x5)
                s.yaml:3:3: operations[2]: no operation is called 'skip_conect', did you mean 'skip_connect'? \
                (there are: none, max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3, sep_conv_5x5, \
                dil_conv_3x3, dil_conv_5x5)
                """)
        #expect(
            failure(["skip_connect", "skip_connect"]).hasPrefix(
                "s.yaml:3:2: operations[1]: 'skip_connect' is named twice"))
        #expect(
            failure(["none"]).hasPrefix("s.yaml:3:1: operations[0]: expected at least one operation that"))
        #expect(failure([]).contains("operations: expected a list that is not empty or null"))
    }

    @Test("An operation from elsewhere is one candidate more, in search and evaluation")
    func anotherOperation() throws {
        let pointwise = CellOperation("conv_1x1") { scope, channels, stride, affine in
            let convolution = Convolution(
                scope["convolution"], inputs: channels, outputs: channels, kernel: 1, stride: stride)
            let norm = BatchNorm(scope["norm"], channels: channels, affine: affine)
            return ComposedOperation { x, context in try norm(convolution(x.relu(), context), context) }
        }
        let space = try CellSearchSpace(
            configuration(), operations: CellOperation.darts + [pointwise])
        let alpha = try backend.tensor((0..<45).map { $0 % 9 == 8 ? 1.0 : 0 }, [5, 9])
        let genotype = try space.genotype(of: [alpha, alpha])
        #expect(genotype.normal.edges.allSatisfy { $0.operation == "conv_1x1" })

        let supernet = try space.supernet(for: images)
        let state = try supernet.layout.initialState(on: backend, .float64, from: .init(seed: 1)).variables
        let pictures = try backend.normal([4, 8, 8, 1], .float64, from: .init(seed: 2)) * 2
        let updates = BufferUpdates()
        let logits = try supernet.logits(
            pictures, architecture: [alpha, alpha], ForwardContext(state, updates: updates))
        let labels = try backend.tensor([Int32(0), 1, 2, 0], [4])
        let found = try gradients(of: logits.crossEntropy(labels), withRespectTo: state.parameters)
        var reached = 0
        for (entry, gradient) in zip(supernet.layout.parameters, found) where entry.name.contains("conv_1x1")
        {
            #expect(try gradient.doubles().contains { $0 != 0 }, "\(entry.name)")
            reached += 1
        }
        #expect(reached == 3 * 5)
        let buffers = try updates.updated(state.buffers)
        for (entry, (before, after)) in zip(supernet.layout.buffers, zip(state.buffers, buffers))
        where entry.name.contains("conv_1x1") {
            #expect(try before.doubles() != after.doubles(), "\(entry.name)")
        }

        let network = try space.network(
            genotype, .init(channels: 2, cells: 3, auxiliary: false), for: images)
        #expect(network.layout.parameters.contains { $0.name.contains("conv_1x1.norm.scale") })
        let derived = try network.layout.initialState(on: backend, .float64, from: .init(seed: 1))
        #expect(try network.logits(pictures, ForwardContext(derived)).shape == [4, 3])
    }

    @Test("Signs of collapse: skip connections and entropy, by kind of cell")
    func signs() throws {
        let space = try CellSearchSpace(configuration())
        var values = [Double](repeating: 0, count: 40)
        for edge in 0..<5 { values[edge * 8 + 3] = 2000 }
        let skips = try backend.tensor(values, [5, 8])
        let even = try skips * 0
        let found = try space.signs(of: [skips, even])
        #expect(found["skips_normal"] == 4 && found["skips_reduce"] == 0)
        #expect(abs(found["entropy_normal"]!) < 1e-14 && abs(found["entropy_reduce"]! - log(8)) < 1e-14)
        #expect(Set(found.keys) == Set(space.signs.map(\.name)))
    }
}
