import CPUEngine
import ErrataCore
import Foundation
import LFM
import NASBench201
import NeuralNetworks
import PluginTesting
import Relaxations
import SearchTesting
import TensorEngine
import Testing

@Suite("The space of NAS-Bench-201")
struct SpaceTests {
    private static let cifar = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)
    private static func small(_ relaxation: String) throws -> NASBench201Settings {
        var decoder = ConfigurationDecoder(registry: try PluginRegistry([RelaxationsPlugin()]))
        let value = ConfigurationValue(
            .mapping([
                .init("channels", .literal("2")), .init("cells", .literal("1")),
                .init("initial_deviation", .literal("0.5")), .init("relaxation", .string(relaxation)),
            ]))
        let settings = decoder.decode(NASBench201Settings.self, from: value)
        try decoder.finish()
        return settings
    }

    @Test("Conforms")
    func conforms() throws {
        try checkPlugin(
            NASBench201Plugin(), settings: ["nas-bench-201": "{channels: 2, cells: 1}"],
            networkSettings: ["nas-bench-201": "{channels: 2, cells: 1}"])
    }

    /// The smallest and the largest of the benchmark, and cells whose numbers its paper's code prints.
    @Test(
        "Published parameter counts",
        arguments: [
            ("|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", 73_306),
            (
                "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|",
                1_531_546
            ),
            (
                "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|",
                1_288_506
            ),
            ("|nor_conv_1x1~0|+|none~0|none~1|+|skip_connect~0|none~1|avg_pool_3x3~2|", 101_306),
        ])
    func parameters(_ text: String, _ count: Int) throws {
        let network = try NASBench201Space().network(.init(parsing: text), .init(), for: Self.cifar)
        #expect(network.layout.parameterCount == count)
    }

    @Test("The supernet has every operation's weights on every edge")
    func supernet() throws {
        let space = try NASBench201Space()
        #expect(space.architecture.parameters.map(\.shape) == [[6, 5]])
        // Without affine norms: of C channels an edge has 9·C² and C² weights.
        let edges = 6 * 5 * [16, 32, 64].map { 10 * $0 * $0 }.reduce(0, +)
        #expect(try space.supernet(for: Self.cifar).layout.parameterCount == 73_306 + edges)
        var settings = NASBench201Settings()
        (settings.channels, settings.cells) = (4, 2)
        let small = 6 * 2 * [4, 8, 16].map { 10 * $0 * $0 }.reduce(0, +)
        let rest = try NASBench201Space(settings).supernet(for: Self.cifar).layout.parameterCount - small
        var network = NASBench201NetworkSettings()
        (network.channels, network.cells) = (4, 7)
        #expect(
            try NASBench201Space().network(.init(number: 0), network, for: Self.cifar).layout.parameterCount
                == rest)
    }

    @Test("The strongest operation of an edge is found, none too, the first of equals")
    func genotype() throws {
        let backend = try CPUBackend(threads: 1)
        let space = try NASBench201Space()
        var alpha = [Double](repeating: 0, count: 30)
        for (edge, column) in [3, 0, 1, 4, 2].enumerated() { alpha[5 * edge + column] = 1 }
        let a = [try backend.tensor(alpha, [6, 5])]
        #expect(
            "\(try space.genotype(of: a))"
                == "|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|nor_conv_1x1~1|none~2|")
        let signs = try space.signs(of: a)
        #expect(signs["skips"] == 1 && signs["absent_edges"] == 2)
        #expect(try space.rankings(of: a)[0] == [3, 2] && space.rankings(of: a)[4] == [2, 3])
    }

    @Test("Images that cannot be halved twice are refused")
    func extents() throws {
        let images = ImageSpecification(height: 30, width: 32, channels: 3, classes: 10)
        let space = try NASBench201Space()
        #expect(throws: SettingError.self) { try space.supernet(for: images) }
        #expect(throws: SettingError.self) { try space.network(.init(number: 3), .init(), for: images) }
    }

    @Test(
        "Each relaxation searches it, under learning from mistakes and without",
        arguments: [
            "softmax", "sigmoid", "gumbel-softmax", "gdas", "dirichlet", "sdarts-rs", "sdarts-adv",
            "darts-minus",
            "noisy", "dropnas",
        ], [false, true])
    func relaxations(_ name: String, plain: Bool) throws {
        let settings = try Self.small(name)
        let tiny = try TinySearch { tiny in
            tiny.widened = { _ in try! NASBench201Space(settings) }
            if plain { tiny.bilevel() }
        }
        let start = try tiny.initialState()
        let end = try tiny.run(1)[0]
        #expect(try end.everything().joined().allSatisfy(\.isFinite))
        #expect(try end.alphas() != start.alphas())
        if name != "softmax" {
            let softmax = try Self.small("softmax")
            var other = tiny
            other.widened = { _ in try! NASBench201Space(softmax) }
            #expect(try other.run(1)[0].alphas() != end.alphas())
        }
    }

    @Test("The exact hypergradient against central differences of the whole step")
    func hypergradient() throws {
        let settings = try Self.small("softmax")
        for seed in 1...20 {
            let step = try WholeStep(seed: UInt64(seed)) { tiny in
                tiny.widened = { _ in try! NASBench201Space(settings) }
            }
            guard
                let disagreements = try step.disagreements(
                    ["direct", "class_weights", "w2", "w1", "generator", "discriminator"],
                    zero: ["discriminator"])
            else { continue }
            #expect(disagreements == [])
            return
        }
        Issue.record("every seed has a kink within reach")
    }
}
