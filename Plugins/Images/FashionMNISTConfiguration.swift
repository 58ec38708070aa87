import Datasets
import ErrataCore

struct FashionMNISTConfiguration: Configuration {
    var directory = PathSetting(FashionMNIST.defaultDirectory)
    var padding = 2

    static var fields: [ConfigurationField<Self>] {
        [
            .init("directory", \.directory, "where the four files are"),
            .init("padding", \.padding, "black pixels added on each side", .within(0...64)),
        ]
    }

    func load() throws -> ImageData {
        func part(_ part: FashionMNIST.Part) throws -> any Dataset {
            try PaddedDataset(FashionMNIST.load(directory: directory.path, split: part), padding: padding)
        }
        return try ImageData(training: part(.train), test: part(.test))
    }
}
