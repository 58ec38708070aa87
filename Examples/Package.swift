// swift-tools-version: 6.2
import PackageDescription

// Each has a folder in Plugins, and its tests in Tests.
let plugins: [String] = [
    "LeastSquares",
    "Pointwise",
]

func errata(_ products: String...) -> [Target.Dependency] {
    products.map { .product(name: $0, package: "errata") }
}

let package = Package(
    name: "examples",
    dependencies: [.package(name: "errata", path: "..")],
    targets: [
        .executableTarget(
            name: "experiment",
            dependencies: plugins.map { .init(stringLiteral: $0) }
                + errata("ErrataCLI", "Experiments", "DARTS", "DCGAN", "LFM", "Bilevel", "Images"))
    ]
        + plugins.flatMap { name -> [Target] in
            [
                .target(
                    name: name,
                    dependencies: errata(
                        "ErrataCore", "Multilevel", "NeuralNetworks", "TensorEngine", "Adversarial", "Cells"),
                    path: "Plugins/\(name)"),
                .testTarget(
                    name: "\(name)Tests",
                    dependencies: [.init(stringLiteral: name)] + errata("PluginTesting", "CPUEngine")),
            ]
        }
)
