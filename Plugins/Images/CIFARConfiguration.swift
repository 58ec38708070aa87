import Datasets
import ErrataCore

/// CIFAR-10's settings.
struct CIFAR10Configuration: Configuration {
    var path = PathSetting()

    static var fields: [ConfigurationField<Self>] { [.cifarPath(\.path)] }

    func validate() throws { try CIFAR.ten.requirePath(path) }

    func load() throws -> ImageData { try CIFAR.ten.data(at: path) }
}

/// CIFAR-100's settings.
struct CIFAR100Configuration: Configuration {
    var path = PathSetting()
    var labels = CIFAR.Labels.fine

    static var fields: [ConfigurationField<Self>] {
        [
            .cifarPath(\.path),
            .init(
                "labels", \.labels, "which classes: the 100 fine ones, or the 20 coarse ones they belong to"),
        ]
    }

    func validate() throws { try CIFAR.hundred(labels).requirePath(path) }

    func load() throws -> ImageData { try CIFAR.hundred(labels).data(at: path) }
}

extension CIFAR.Labels: ConfigurationChoice {}

extension ConfigurationField {
    fileprivate static func cifarPath(_ path: any WritableKeyPath<Root, PathSetting> & Sendable) -> Self {
        .init("path", path, "the archive as distributed, the folder it unpacks to, or a folder with either")
    }
}

extension CIFAR {
    fileprivate func requirePath(_ path: PathSetting) throws {
        guard path != PathSetting() else { throw DatasetError(name, "path is needed. \(expected)") }
    }

    fileprivate func data(at path: PathSetting) throws -> ImageData {
        let contents = try load(from: path.path)
        return try ImageData(
            training: contents.training, test: contents.test, notices: contents.notices)
    }
}
