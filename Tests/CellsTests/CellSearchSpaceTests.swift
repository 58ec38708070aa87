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
        // What others have found can be evaluated beside what is found here.
        for (name, published) in space.published {
            let network = try space.network(
                published, .init(channels: 2, cells: 3, auxiliary: false), for: images)
            let state = try network.layout.initialState(on: backend, .float32, from: .init(seed: 1))
            let x = backend.normal([2, 8, 8, 1], .float32, from: .init(seed: 2))
            #expect(try network.logits(x, ForwardContext(state)).shape == [2, 3], "\(name)")
        }
    }

    @Test("Each edge has operations of its own where they are listed by edge")
    func operationsByEdge() throws {
        let space = try CellSearchSpace(
            configuration {
                $0.operations = .each(
                    normal: [
                        ["skip_connect", "noise"], ["max_pool_3x3", "skip_connect"],
                        ["none", "sep_conv_7x7"],
                        ["none", "conv_7x1_1x7"], ["none", "dil_conv_3x3"],
                    ],
                    reduction: [["none", "avg_pool_3x3"]]
                        + Array(repeating: ["none", "sep_conv_5x5"], count: 4))
            })
        #expect(space.architecture.parameters.map(\.shape) == [[5, 2], [5, 2]])
        let alpha = try backend.tensor((0..<10).map { Double($0 % 2) }, [5, 2])
        let genotype = try space.genotype(of: [alpha, alpha])
        #expect(
            genotype.normal.nodes == [
                [.init("noise", 0), .init("skip_connect", 1)],
                [.init("sep_conv_7x7", 0), .init("conv_7x1_1x7", 1)],
            ])
        #expect(
            genotype.reduction.nodes[0] == [.init("avg_pool_3x3", 0), .init("sep_conv_5x5", 1)])
        let names = try space.supernet(for: images).layout.parameters.map(\.name)
        #expect(names.contains { $0.hasPrefix("cells.0.nodes.1.edges.0.sep_conv_7x7.") })
        #expect(!names.contains { $0.hasPrefix("cells.0.nodes.0.edges") })
        #expect(names.contains { $0.hasPrefix("cells.1.nodes.0.edges.1.sep_conv_5x5.") })
    }

    @Test("Operations by edge are read, written and counted")
    func writtenByEdge() throws {
        func lists(_ count: Int, _ names: [String]) -> ConfigurationValue {
            .sequence(Array(repeating: .sequence(names.map { .string($0) }), count: count))
        }
        func settings(_ normal: ConfigurationValue, _ reduce: ConfigurationValue) throws -> CellSpaceSettings
        {
            try .init(
                decoding: .mapping([
                    .init("nodes", .literal("2")),
                    .init("operations", .mapping([.init("normal", normal), .init("reduce", reduce)])),
                ]))
        }
        let pair = ["skip_connect", "noise"]
        let read = try settings(lists(5, pair), lists(5, ["max_pool_3x3", "none"]))
        #expect(
            read.operations
                == .each(
                    normal: Array(repeating: ["skip_connect", "noise"], count: 5),
                    reduction: Array(repeating: ["max_pool_3x3", "none"], count: 5)))
        var decoder = ConfigurationDecoder(registry: try PluginRegistry())
        #expect(decoder.decode(CellSpaceSettings.self, from: read.encoded) == read && decoder.errors.isEmpty)
        func failure(_ normal: ConfigurationValue, _ reduce: ConfigurationValue) -> String {
            do { _ = try CellSearchSpace(settings(normal, reduce)) } catch { return "\(error)" }
            return ""
        }
        #expect(
            failure(lists(5, pair), lists(4, pair))
                == "search_space.operations.reduce: 4 lists, expected one for each of the 5 edges of 2 nodes")
        #expect(
            failure(lists(5, pair), lists(5, pair + ["max_pool_3x3"])).hasPrefix(
                "search_space.operations: 2 on each edge of normal cells and 3 of reduction cells"))
        #expect(failure(lists(5, ["skip_conect"]), lists(5, pair)).contains("did you mean 'skip_connect'"))
        #expect(throws: ConfigurationErrors.self) {
            try CellSpaceSettings(decoding: .mapping([.init("operations", .string("noise"))]))
        }
    }

    @Test("The reduced spaces of R-DARTS", arguments: ["s1", "s2", "s3", "s4"])
    func reducedSpaces(_ name: String) throws {
        let spaces = try PluginRegistry([DARTSPlugin()]).searchSpaces
        let space = try spaces.resolve(ComponentSelection(name)).make(())
        let cells = try #require(space as? CellSearchSpace)
        #expect(
            cells.architecture.parameters.map(\.shape) == [
                [14, name == "s3" ? 3 : 2], [14, name == "s3" ? 3 : 2],
            ])
        func names(_ kind: CellKind) -> [[String]] { cells.candidates[kind]!.edges.map { $0.map(\.name) } }
        switch name {
        case "s1":
            // As many of each pair as the published code has.
            #expect(names(.normal).count { $0 == ["skip_connect", "sep_conv_3x3"] } == 4)
            #expect(names(.normal).count { $0 == ["skip_connect", "dil_conv_3x3"] } == 4)
            #expect(names(.normal).count { $0 == ["skip_connect", "dil_conv_5x5"] } == 2)
            #expect(names(.normal).count { $0 == ["max_pool_3x3", "skip_connect"] } == 2)
            #expect(names(.normal).suffix(2).allSatisfy { $0 == ["dil_conv_3x3", "dil_conv_5x5"] })
            #expect(names(.reduction).count { $0 == ["max_pool_3x3", "avg_pool_3x3"] } == 6)
            #expect(names(.reduction).count { $0 == ["skip_connect", "dil_conv_5x5"] } == 5)
            #expect(names(.reduction)[1] == ["max_pool_3x3", "dil_conv_3x3"])
            #expect(names(.reduction)[6] == ["max_pool_3x3", "sep_conv_3x3"])
            #expect(names(.reduction)[7] == ["skip_connect", "dil_conv_3x3"])
        default:
            let expected = [
                "s2": ["skip_connect", "sep_conv_3x3"], "s3": ["none", "skip_connect", "sep_conv_3x3"],
                "s4": ["noise", "sep_conv_3x3"],
            ][name]
            #expect((names(.normal) + names(.reduction)).allSatisfy { $0 == expected })
        }
    }

    @Test("Noise is standard normal, whatever comes in, and another for each node")
    func noise() throws {
        let cell = CellGenotype.Cell(nodes: [[.init("noise", 0)], [.init("noise", 0)]])
        let space = try CellSearchSpace(configuration())
        let x = backend.normal([4, 9, 8, 4], .float64, from: .init(seed: 1))
        for (stride, extents) in [(1, [9, 8]), (2, [5, 4])] {
            let noise = try #require(
                CellOperation.noise.operation(
                    LayoutBuilder().root, channels: 4, stride: stride, affine: false))
            func drawn(_ x: Tensor, seed: UInt64) throws -> Tensor {
                try noise(
                    x, ForwardContext(ModelState(parameters: [], buffers: []), random: .init(seed: seed)))
            }
            #expect(try drawn(x, seed: 1).shape == [4, extents[0], extents[1], 4])
            let values = try drawn(x, seed: 1).doubles()
            #expect(try values == drawn(x * 3 + 1, seed: 1).doubles())
            #expect(try values != drawn(x, seed: 2).doubles())
            let (mean, square) = values.reduce((0, 0)) { ($0.0 + $1, $0.1 + $1 * $1) }
            let count = Double(values.count)
            #expect(
                abs(mean / count) < 5 / count.squareRoot()
                    && abs(square / count - 1) < 5 * (2 / count).squareRoot())
        }
        // The first class's logit is the first node's features less the second's.
        let network = try space.network(
            .init(normal: cell, reduction: cell), .init(channels: 2, cells: 3, auxiliary: false, dropPath: 0),
            for: images)
        var state = try network.layout.initialState(on: backend, .float64, from: .init(seed: 1))
        let weight = try #require(network.layout.parameters.firstIndex { $0.name == "classifier.weight" })
        let features = state.parameters[weight].shape[0]
        state.parameters[weight] = try backend.tensor(
            (0..<(3 * features)).map { $0 % 3 > 0 ? 0 : $0 / 3 < features / 2 ? 1.0 : -1 }, [features, 3])
        let pictures = backend.normal([2, 8, 8, 1], .float64, from: .init(seed: 2))
        let logits = try network.logits(pictures, ForwardContext(state)).doubles()
        let bias = try state.parameters[weight + 1].doubles()
        #expect(logits[0] != bias[0] && logits[3] != bias[0])
        #expect(logits[1] == bias[1])
    }

    @Test(
        "An ImageNet stem halves the extent three times, and its first input twice as wide is reduced",
        arguments: [64, 61])
    func imagenetStem(_ extent: Int) throws {
        let images = ImageSpecification(height: extent, width: extent, channels: 3, classes: 3)
        let space = try CellSearchSpace(configuration { ($0.stem, $0.stemMultiplier) = (.imagenet, 3) })
        let supernet = try space.supernet(for: images)
        let shapes = Dictionary(
            uniqueKeysWithValues: supernet.layout.parameters.map { ($0.name, $0.shape) })
        #expect(shapes["stem.0.convolution.weight"] == [3, 3, 3, 3])
        #expect(shapes["stem.1.convolution.weight"] == [3, 3, 3, 6])
        #expect(shapes["stem.2.convolution.weight"] == [3, 3, 6, 6])
        #expect(shapes["cells.0.preprocess0.even.weight"] == [1, 1, 6, 1])
        let state = try supernet.layout.initialState(on: backend, .float32, from: .init(seed: 1)).variables
        let architecture = try space.architecture.initialState(on: backend, .float32, from: .init(seed: 1))
        let logits = try supernet.logits(
            backend.normal([2, extent, extent, 3], .float32, from: .init(seed: 2)),
            architecture: architecture.parameters, ForwardContext(state))
        let found = try gradients(of: logits.squared().sum(), withRespectTo: state.parameters)
        #expect(try found.allSatisfy { try $0.doubles().contains { $0 != 0 } })
        let error = #expect(throws: SettingError.self) {
            try CellSearchSpace(configuration { ($0.stem, $0.channels) = (.imagenet, 1) }).supernet(
                for: images)
        }
        #expect(error?.setting == "search_space.channels")
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
                dil_conv_3x3, dil_conv_5x5, sep_conv_7x7, conv_7x1_1x7, noise)
                s.yaml:3:3: operations[2]: no operation is called 'skip_conect', did you mean 'skip_connect'? \
                (there are: none, max_pool_3x3, avg_pool_3x3, skip_connect, sep_conv_3x3, sep_conv_5x5, \
                dil_conv_3x3, dil_conv_5x5, sep_conv_7x7, conv_7x1_1x7, noise)
                """)
        #expect(
            failure(["skip_connect", "skip_connect"]).hasPrefix(
                "s.yaml:3:2: operations[1]: 'skip_connect' is named twice"))
        #expect(
            failure(["none"]).hasPrefix("s.yaml:3:1: operations[0]: expected at least one operation that"))
        #expect(
            failure([]).contains("operations: expected a list of operations that is not empty, a mapping"))
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
