// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]

/// What the command `errata` registers.
let plugins: [String] = [
    "DARTS",
    "PDARTS",
    "PCDARTS",
    "NASBench201",
    "Relaxations",
    "DCGAN",
    "WGANGP",
    "LFM",
    "Bilevel",
    "RandomSearch",
    "Images",
    "EarlyStoppings",
]

let pluginTargets = plugins.map { Target.Dependency(stringLiteral: $0) }

func library(_ name: String, path: String? = nil, _ dependencies: [Target.Dependency]) -> Target {
    .target(name: name, dependencies: dependencies, path: path, swiftSettings: strict)
}

func plugin(_ name: String, _ more: [Target.Dependency] = []) -> Target {
    library(name, path: "Plugins/\(name)", ["ErrataCore"] + more)
}

func tests(of name: String, _ more: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
    .testTarget(
        name: "\(name)Tests", dependencies: [.init(stringLiteral: name), "CPUEngine"] + more,
        resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "errata",
    products: [.executable(name: "errata", targets: ["errata"])]
        + [
            "TensorEngine", "CPUEngine", "NeuralNetworks", "Multilevel", "Datasets", "Pickle", "ErrataCore",
            "Experiments", "ErrataCLI", "PluginTesting", "Cells", "Adversarial",
        ].map { .library(name: $0, targets: [$0]) }
        + plugins.map { .library(name: $0, targets: [$0]) },
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        .systemLibrary(
            name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CHDF5", pkgConfig: "hdf5", providers: [.apt(["libhdf5-dev"])]),
        .systemLibrary(name: "CBzip2", providers: [.apt(["libbz2-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(
            name: "CTurboJPEG", pkgConfig: "libturbojpeg", providers: [.apt(["libturbojpeg0-dev"])]),
        .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
        .target(name: "CKernels", cSettings: [.treatAllWarnings(as: .error)]),
        library("TensorEngine", []),
        library("CPUEngine", ["TensorEngine", "CKernels", "COpenBLAS"]),
        library("NeuralNetworks", ["TensorEngine"]),
        library("Multilevel", ["NeuralNetworks"]),
        library("Datasets", ["TensorEngine", "CHDF5", "CZlib", "CTurboJPEG", "CPNG"]),
        library("Pickle", ["CBzip2"]),
        library("ErrataCore", ["Multilevel", "Datasets"]),
        library(
            "Experiments",
            ["ErrataCore", "CYAML", "CHDF5", "CZlib", .product(name: "GRDB", package: "GRDB.swift")]),
        library(
            "ErrataCLI",
            [
                "Experiments", "CPUEngine",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        library("PluginTesting", ["Experiments", "CPUEngine"]),
        plugin("Cells"),
        plugin("DARTS", ["Cells"]),
        plugin("PDARTS", ["Cells"]),
        plugin("PCDARTS", ["Cells"]),
        plugin("NASBench201", ["Cells", "Pickle"]),
        plugin("Relaxations"),
        plugin("Adversarial"),
        plugin("DCGAN", ["Adversarial"]),
        plugin("WGANGP", ["Adversarial"]),
        plugin("LFM"),
        plugin("Bilevel"),
        plugin("RandomSearch"),
        plugin("Images"),
        plugin("EarlyStoppings"),
        .executableTarget(
            name: "errata",
            dependencies: ["ErrataCLI"] + pluginTargets,
            swiftSettings: strict),
        .executableTarget(
            name: "benchmark-worker",
            dependencies: [
                "CPUEngine", "DARTS", "PDARTS", "PCDARTS", "DCGAN", "LFM", "NASBench201", "Relaxations",
            ],
            path: "Benchmarks/Worker",
            swiftSettings: strict),
        .executableTarget(
            name: "hypergradient-curves", dependencies: ["SearchTesting"],
            path: "Benchmarks/Curves",
            swiftSettings: strict),
        library("ReferenceEngine", path: "Tests/Support/ReferenceEngine", ["TensorEngine"]),
        tests(of: "TensorEngine", ["ReferenceEngine"], resources: [.copy("Fixtures")]),
        library(
            "NeuralNetworksTesting", path: "Tests/Support/NeuralNetworksTesting", ["NeuralNetworks"]),
        tests(of: "NeuralNetworks", ["NeuralNetworksTesting"], resources: [.copy("Fixtures")]),
        library("MultilevelTesting", path: "Tests/Support/MultilevelTesting", ["Multilevel"]),
        tests(
            of: "Multilevel", ["MultilevelTesting", "NeuralNetworksTesting"],
            resources: [.copy("Fixtures")]),
        library(
            "SearchTesting", path: "Tests/Support/SearchTesting",
            ["CPUEngine", "Cells", "DCGAN", "LFM", "Bilevel", "MultilevelTesting"]),
        library(
            "PictureTesting", path: "Tests/Support/PictureTesting", ["Datasets", "CTurboJPEG", "CPNG"]),
        tests(of: "Datasets", ["PictureTesting"], resources: [.copy("Fixtures")]),
        tests(of: "ErrataCore", ["Adversarial", "SearchTesting", "TinySpaces"]),
        tests(
            of: "Experiments",
            ["CHDF5", "CZlib", "NeuralNetworksTesting", "TinySpaces"]
                + pluginTargets),
        tests(of: "ErrataCLI", ["DARTS", "DCGAN", "PictureTesting"]),
        library("TinySpaces", path: "Tests/Support/TinySpaces", ["Cells"]),
        .testTarget(name: "ArchitectureTests", swiftSettings: strict),
        tests(
            of: "PluginTesting",
            ["Cells", "TinySpaces"] + pluginTargets),
        tests(of: "Cells", ["DARTS", "PDARTS", "PCDARTS", "TinySpaces"], resources: [.copy("Fixtures")]),
        tests(of: "DARTS", resources: [.copy("Fixtures")]),
        tests(
            of: "Relaxations", ["Cells", "SearchTesting", "MultilevelTesting"],
            resources: [.copy("Fixtures")]),
        tests(of: "Adversarial", ["TinySpaces"]),
        tests(of: "DCGAN", ["DARTS"]),
        tests(of: "EarlyStoppings"),
        tests(of: "Pickle", resources: [.copy("Fixtures")]),
        tests(
            of: "NASBench201", ["PluginTesting", "SearchTesting", "Relaxations"],
            resources: [.copy("Fixtures")]),
        tests(of: "WGANGP", ["SearchTesting"], resources: [.copy("Fixtures")]),
        tests(of: "LFM", ["SearchTesting"]),
        tests(of: "Images", ["Experiments", "PictureTesting"]),
        tests(of: "Bilevel", ["SearchTesting"], resources: [.copy("Fixtures")]),
    ]
)

// Only the DocC reference needs the plugin (scripts/docs): other builds neither fetch nor resolve it.
if Context.environment["ERRATA_DOCS"] != nil {
    package.dependencies.append(
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"))
}
