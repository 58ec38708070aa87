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
import Testing
import TinySpaces

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

    /// Without the data sets whose files are not at hand.
    @Test func images() throws {
        try checkPlugin(
            ImagesPlugin(), settings: ["procedural": "{count: 20, test_count: 10}"],
            skipping: ["fashion-mnist", "idx"])
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
