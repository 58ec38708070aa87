/// A package of its own, with the whole command line and without plugins yet.
enum PackageTemplate {
    /// `Package.swift`.
    ///
    /// - Parameters:
    ///   - name: the package's.
    ///   - errata: where Errata's own package lies.
    static func manifest(_ name: String, errata: String) -> String {
        #"""
        // swift-tools-version: 6.2
        import PackageDescription

        // Each has a folder in Plugins, and its tests in Tests.
        let plugins: [String] = [
        ]

        func errata(_ products: String...) -> [Target.Dependency] {
            products.map { .product(name: $0, package: "errata") }
        }

        let package = Package(
            name: \#(literal(name)),
            dependencies: [.package(name: "errata", path: \#(literal(errata)))],
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

        """#
    }

    /// `Sources/experiment/main.swift`.
    static let main = #"""
        import Bilevel
        import DARTS
        import DCGAN
        import ErrataCLI
        import Experiments
        import Images
        import LFM

        ErrataCLI.main(
            plugins: [
                DARTSPlugin(), DCGANPlugin(), LFMPlugin(), BilevelPlugin(), ImagesPlugin(),
            ],
            defaults: ComponentDefaults(
                searchSpace: "darts", method: "lfm", generator: "dcgan", weighter: "validation-loss",
                hypergradient: "first-order", dataset: "procedural"))

        """#

    private static func literal(_ text: String) -> String {
        "\"\(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\""
    }
}
