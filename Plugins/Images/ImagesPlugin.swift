import ErrataCore

/// Data sets of images: Fashion-MNIST, CIFAR-10 and CIFAR-100, folders of files, IDX files, and one that is drawn on demand; and transforms.
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
                "cifar-10", "50,000 training and 10,000 test images of ten kinds, 32×32 in colour",
                configuration: CIFAR10Configuration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "cifar-100", "50,000 training and 10,000 test images of a hundred kinds, 32×32 in colour",
                configuration: CIFAR100Configuration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "image-folder", "JPEG and PNG files of any sizes, in a folder for each class or in lists",
                configuration: ImageFolderConfiguration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "imagenet", "ImageNet's tree of JPEG files, a thousand classes",
                configuration: ImageNetConfiguration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "idx", "images and labels in IDX files, plain or gzipped",
                configuration: IDXConfiguration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "arrays", "images and labels in arrays of NumPy's (.npz) or HDF5's",
                configuration: ArraysConfiguration.self
            ) { settings, _ in try settings.load() })
        try registry.datasets.add(
            .init(
                "procedural", "shapes and gratings drawn on demand, for tests",
                configuration: ProceduralConfiguration.self
            ) { settings, _ in try settings.load() })
        try registerTransforms(in: &registry)
    }
}
