import Datasets
import ErrataCore
import NeuralNetworks
import NeuralNetworksTesting
import Synchronization
import TensorEngine
import TinySpaces

/// Images of one grey each, under labels that a test gives and may change.
final class LabelledImages: Plugin {
    struct Contents: Sendable {
        var labels: [Int32]
        var classNames: [String]
        var channels = 1
        /// Of every image, added to its index.
        var brightness = 0
    }

    let contents: Mutex<Contents>

    init(_ labels: [Int32], classes: [String], channels: Int = 1) {
        contents = Mutex(Contents(labels: labels, classNames: classes, channels: channels))
    }

    func register(in registry: inout PluginRegistry) throws {
        try registry.datasets.add(
            .init("labelled", "images of one grey each") { [self] _ in
                let images = LabelledDataset(contents: contents.withLock { $0 })
                return try ImageData(training: images, test: images)
            })
    }
}

private struct LabelledDataset: Dataset {
    let contents: LabelledImages.Contents
    let name = "labelled"
    let height = 8
    let width = 8
    var channels: Int { contents.channels }
    var classNames: [String] { contents.classNames }
    var labels: [Int32] { contents.labels }

    func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        for pixel in buffer.indices {
            buffer[pixel] = UInt8((index * 7 + pixel * 3 + contents.brightness) % 256)
        }
    }
}

/// A chain space with a setting that is called as one of the run's is, and signs of A that are declared or not.
struct MarkedSpace: SearchSpace, Plugin {
    struct Settings: Configuration {
        var checkpointMinutes = 5.0
        var isDeclared = true

        static var fields: [ConfigurationField<Self>] {
            [
                .init("checkpoint_minutes", \.checkpointMinutes, "nothing"),
                .init("declared", \.isDeclared, "whether the sign is declared"),
            ]
        }
    }

    var isDeclared = true
    private let chain = ChainSpace()

    func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init("marked", "a chain with a sign", configuration: Settings.self) { settings, _ in
                MarkedSpace(isDeclared: settings.isDeclared)
            })
    }

    init(isDeclared: Bool = true) { self.isDeclared = isDeclared }

    var architecture: ModelLayout { chain.architecture }
    func supernet(for images: ImageSpecification) throws -> any Supernet { try chain.supernet(for: images) }
    func genotype(of architecture: [Tensor]) throws -> ChainGenotype {
        try chain.genotype(of: architecture)
    }
    func network(_ genotype: ChainGenotype, _ settings: ChainNetworkSettings, for images: ImageSpecification)
        throws -> any Network
    {
        try chain.network(genotype, settings, for: images)
    }
    var signs: [MetricDeclaration] { isDeclared ? [.init("largest", "of A")] : [] }
    func signs(of architecture: [Tensor]) throws -> [String: Double] {
        ["largest": try architecture[0].doubles().max()!]
    }
}

/// An optimiser that no module of the framework knows.
struct RMSpropPlugin: Plugin {
    func register(in registry: inout PluginRegistry) throws {
        try registry.optimizers.add(.init("rmsprop", "RMSprop") { _ in RMSprop() })
    }
}
