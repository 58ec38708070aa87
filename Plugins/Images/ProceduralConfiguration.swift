import Datasets
import ErrataCore
import TensorEngine

struct ProceduralConfiguration: Configuration {
    var count = 2000
    var testCount = 500
    var height = 32
    var width = 32
    var channels = 1
    var classes = 10
    var noise = 0.08
    var seed = 0

    static var fields: [ConfigurationField<Self>] {
        [
            .init("count", \.count, "training images", .within(2...10_000_000)),
            .init("test_count", \.testCount, "test images", .within(1...10_000_000)),
            .init("height", \.height, "pixels", .within(4...4096)),
            .init("width", \.width, "pixels", .within(4...4096)),
            .init("channels", \.channels, "1 or 3", .within(1...3)),
            .init("classes", \.classes, "classes, of ten kinds of shape", .within(2...10)),
            .init("noise", \.noise, "the noise's standard deviation, where 1 is white", .within(0...1)),
            .init("seed", \.seed, "other images of the same classes", .atLeast(0)),
        ]
    }

    func load() throws -> ImageData {
        func part(_ count: Int, _ label: String) throws -> ProceduralDataset {
            try ProceduralDataset(
                count: count, height: height, width: width, channels: channels, classes: classes,
                noise: noise, random: RandomStream(seed: UInt64(seed), label))
        }
        return try ImageData(training: part(count, "training"), test: part(testCount, "test"))
    }
}
