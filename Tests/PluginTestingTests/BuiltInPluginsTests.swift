import Bilevel
import DARTS
import DCGAN
import EarlyStoppings
import ErrataCore
import Images
import LFM
import PCDARTS
import PDARTS
import PluginTesting
import RandomSearch
import Relaxations
import Testing
import TinySpaces
import WGANGP

@Suite("What ships conforms")
struct BuiltInPluginsTests {
    @Test func core() throws { try checkComponents(of: PluginRegistry()) }

    @Test func darts() throws {
        let operations = "[none, skip_connect, sep_conv_3x3, dil_conv_3x3]"
        let small = "channels: 2, cells: 3, stem_multiplier: 1"
        let network = "{channels: 2, cells: 3, auxiliary: false}"
        try checkPlugin(
            DARTSPlugin(),
            settings: [
                "darts": "{\(small), nodes: 2, operations: \(operations)}", "s1": "{\(small)}",
                "s4": "{\(small), nodes: 2}",
            ],
            networkSettings: ["darts": network, "s1": network, "s4": network], skipping: ["s2", "s3"])
    }

    /// In stages, with and without what is dropped after skip connections.
    @Test(arguments: ["[none, skip_connect, sep_conv_3x3, dil_conv_3x3]", "null"])
    func pdarts(_ operations: String) throws {
        let rate = operations == "null" ? 0.3 : 0
        try checkPlugin(
            PDARTSPlugin(),
            settings: [
                "p-darts": "{channels: 2, cells: 3, nodes: 2, stem_multiplier: 1, operations: \(operations), "
                    + "stages: [{skip_dropout: \(rate)}, {added_cells: 1, candidates: 3}]}"
            ],
            networkSettings: ["p-darts": "{channels: 2, cells: 3, auxiliary: false}"])
    }

    @Test func pcdarts() throws {
        try checkPlugin(
            PCDARTSPlugin(),
            settings: ["pc-darts": "{channels: 4, cells: 3, nodes: 2, stem_multiplier: 1}"],
            networkSettings: ["pc-darts": "{channels: 2, cells: 3, auxiliary: false}"])
    }

    @Test func relaxations() throws { try checkPlugin(RelaxationsPlugin()) }

    @Test func dcgan() throws {
        try checkPlugin(
            DCGANPlugin(),
            settings: ["dcgan": "{noise: 3, embedding: 2, channels: 2, training: {average: 0.9}}"])
    }

    @Test func dcganWithItsOwnDiscriminator() throws {
        try checkPlugin(
            DCGANPlugin(),
            settings: [
                "dcgan":
                    "{noise: 3, embedding: 2, channels: 2, discriminator: native, discriminator_channels: 2}"
            ])
    }

    @Test(arguments: ["backbone", "native", "native, layer_norm: true"])
    func wgangp(_ discriminator: String) throws {
        try checkPlugin(
            WGANGPPlugin(),
            settings: [
                "wgan-gp":
                    "{noise: 3, channels: 2, discriminator_channels: 2, discriminator: \(discriminator)}"
            ])
    }

    /// Without the data sets whose files are not at hand.
    @Test func images() throws {
        try checkPlugin(
            ImagesPlugin(), settings: ["procedural": "{count: 20, test_count: 10}"],
            skipping: ["fashion-mnist", "cifar-10", "cifar-100", "image-folder", "imagenet", "idx", "arrays"])
    }

    @Test func lfm() throws { try checkPlugin(LFMPlugin()) }
    @Test func bilevel() throws { try checkPlugin(BilevelPlugin()) }
    @Test func earlyStoppings() throws { try checkPlugin(EarlyStoppingsPlugin()) }
    @Test func random() throws { try checkPlugin(RandomSearchPlugin()) }

    @Test func tinySpaces() throws {
        let cells = "{channels: 2, cells: 3, auxiliary: false}"
        try checkPlugin(
            TinySpacesPlugin(),
            networkSettings: [
                "tiny-partial": cells, "tiny-progressive": cells, "tiny-chain": "{channels: 4}",
            ])
    }
}
