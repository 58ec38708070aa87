extension PluginTemplate {
    static let searchSpace = PluginTemplate(
        source: #"""
            import ErrataCore
            import NeuralNetworks
            import TensorEngine

            /// A chain of convolutions, each of which chooses its kernel.
            public struct __Name__Space: SearchSpace {
                static let kernels = [1, 3]
                private let settings: __Name__Settings

                public init(_ settings: __Name__Settings = .init()) { self.settings = settings }

                public var architecture: ModelLayout {
                    let builder = LayoutBuilder()
                    _ = builder.root.parameter(
                        "kernels", [settings.layers, Self.kernels.count], .normal(mean: 0, deviation: 0.001))
                    return builder.layout
                }

                public func supernet(for images: ImageSpecification) throws -> any Supernet {
                    Classifier(
                        Chain(
                            kernels: Array(repeating: Self.kernels, count: settings.layers),
                            channels: settings.channels, imageChannels: images.channels),
                        classes: images.classes)
                }

                /// The kernel of the largest weight in each layer.
                public func genotype(of architecture: [Tensor]) throws -> __Name__Genotype {
                    let values = try architecture[0].doubles()
                    let count = Self.kernels.count
                    return __Name__Genotype(
                        kernels: (0..<settings.layers).map { layer in
                            Self.kernels[(0..<count).max { values[layer * count + $0] < values[layer * count + $1] }!]
                        })
                }

                public func network(
                    _ genotype: __Name__Genotype, _ settings: __Name__NetworkSettings, for images: ImageSpecification
                ) throws -> any Network {
                    guard !genotype.kernels.isEmpty, genotype.kernels.allSatisfy(Self.kernels.contains) else {
                        throw GenotypeError("\(genotype), expected kernels of \(Self.kernels)")
                    }
                    return Classifier(
                        Chain(
                            kernels: genotype.kernels.map { [$0] }, channels: settings.channels,
                            imageChannels: images.channels),
                        classes: images.classes)
                }
            }

            /// The kernel of each layer: `__Name__(3, 1, 3)`.
            public struct __Name__Genotype: GenotypeRepresentable {
                public var kernels: [Int]

                public init(kernels: [Int]) { self.kernels = kernels }

                public var description: String {
                    "__Name__(\(kernels.map(String.init).joined(separator: ", ")))"
                }

                public init(parsing text: String) throws {
                    guard let found = text.matches(of: /__Name__\(\s*(\d+(?:\s*,\s*\d+)*)\s*\)/).last else {
                        throw GenotypeError("expected '__Name__(3, …)', found none", isAbsent: true)
                    }
                    kernels = found.1.split(separator: ",").compactMap { Int($0.filter(\.isNumber)) }
                }
            }

            /// The size of the supernet.
            public struct __Name__Settings: Configuration {
                public var layers = 2
                public var channels = 4

                public init() {}

                public static var fields: [ConfigurationField<Self>] {
                    [
                        .init("layers", \.layers, "how many layers choose", .within(1...64)),
                        .init("channels", \.channels, "channels of every layer", .within(1...1024)),
                    ]
                }
            }

            /// The size of a found network.
            public struct __Name__NetworkSettings: Configuration {
                public var channels = 8

                public init() {}

                public static var fields: [ConfigurationField<Self>] {
                    [.init("channels", \.channels, "channels of every layer", .within(1...1024))]
                }
            }

            /// The candidates of each layer; where a layer has one alone, no weights are needed.
            private struct Chain: Backbone {
                let kernels: [[Int]]
                let channels, imageChannels: Int

                func declare(in scope: Scope) -> any FeatureExtractor {
                    ChainFeatures(
                        features: channels,
                        stem: Convolution(scope["stem"], inputs: imageChannels, outputs: channels, kernel: 3),
                        layers: kernels.enumerated().map { layer, kernels in
                            kernels.map { kernel in
                                let scope = scope["layers"][layer]["\(kernel)x\(kernel)"]
                                return (
                                    Convolution(scope, inputs: channels, outputs: channels, kernel: kernel),
                                    BatchNorm(scope["norm"], channels: channels)
                                )
                            }
                        })
                }
            }

            private struct ChainFeatures: FeatureExtractor {
                let features: Int
                let stem: Convolution
                let layers: [[(convolution: Convolution, norm: BatchNorm)]]

                func callAsFunction(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws
                    -> Tensor
                {
                    let weights = try architecture.first?.softmax().reshaped(to: [-1])
                    var x = try stem(images, context)
                    for (layer, candidates) in layers.enumerated() {
                        let branches = try candidates.enumerated().map { index, candidate in
                            let y = try candidate.norm(candidate.convolution(x, context), context).relu()
                            return try weights.map {
                                try y * $0.sliced(axis: 0, from: layer * candidates.count + index, count: 1)
                            } ?? y
                        }
                        x = try branches.dropFirst().reduce(branches[0]) { try $0 + $1 }
                    }
                    return try x.globalAveragePool()
                }
            }

            /// A chain and a linear layer: the supernet, and without an architecture a found network.
            private struct Classifier: Supernet, Network {
                let layout: ModelLayout
                let backbone: any Backbone
                private let features: any FeatureExtractor
                private let output: Linear

                init(_ chain: Chain, classes: Int) {
                    let builder = LayoutBuilder()
                    backbone = chain
                    features = chain.declare(in: builder.root)
                    output = Linear(builder.root["output"], inputs: features.features, outputs: classes)
                    layout = builder.layout
                }

                func logits(_ images: Tensor, architecture: [Tensor], _ context: ForwardContext) throws -> Tensor {
                    try output(features(images, architecture: architecture, context), context)
                }

                func logits(_ images: Tensor, _ context: ForwardContext) throws -> Tensor {
                    try logits(images, architecture: [], context)
                }
            }

            /// Adds the search space `__name__`.
            public struct __Name__Plugin: Plugin {
                public init() {}

                public func register(in registry: inout PluginRegistry) throws {
                    try registry.searchSpaces.add(
                        .init("__name__", "a chain of convolutions", configuration: __Name__Settings.self) {
                            settings, _ in __Name__Space(settings)
                        })
                }
            }
            """#,
        test: #"""
            import CPUEngine
            import PluginTesting
            import TensorEngine
            import Testing
            import __Name__

            @Suite struct __Name__Tests {
                @Test func conforms() throws { try checkPlugin(__Name__Plugin()) }

                @Test func genotype() throws {
                    let a = try CPUBackend(threads: 1).tensor([0.3, 0.1, -1, 2], [2, 2])
                    let genotype = try __Name__Space().genotype(of: [a])
                    #expect(genotype.kernels == [1, 3])
                    #expect(try __Name__Genotype(parsing: "# found: \(genotype)\n") == genotype)
                }
            }

            /// The supernet where A has chosen is the found network.
            extension __Name__Space: OneHotSpace {
                public var supernetSized: __Name__NetworkSettings {
                    var settings = __Name__NetworkSettings()
                    settings.channels = 4
                    return settings
                }

                public func oneHot(_ genotype: __Name__Genotype) throws -> [[Double]]? {
                    [genotype.kernels.flatMap { $0 == 1 ? [1000, 0] : [0.0, 1000] }]
                }

                public func supernetParameter(for parameter: String, of genotype: __Name__Genotype) -> String? {
                    parameter
                }
            }
            """#)
}
