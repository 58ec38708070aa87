import ErrataCore

/// Data sets of images: Fashion-MNIST, IDX files, and one that is drawn on demand.
public struct ImagesPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.datasets.add(
            .init(
                "fashion-mnist", "60,000 training and 10,000 test images of clothing, 28×28 grey, padded",
                configuration: FashionMNISTConfiguration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "idx", "images and labels in IDX files, plain or gzipped",
                configuration: IDXConfiguration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "procedural", "shapes and gratings drawn on demand, for tests",
                configuration: ProceduralConfiguration.self
            ) { settings, _ in try settings.load() })
    }
}
