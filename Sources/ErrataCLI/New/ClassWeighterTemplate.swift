extension PluginTemplate {
    static let classWeighter = PluginTemplate(
        source: #"""
            import ErrataCore
            import TensorEngine

            /// The weights are the validation losses to a power.
            public struct __Name__Weighter: ClassWeighter, Configuration {
                public var exponent = 2.0
                public var isDifferentiable: Bool { true }

                public init() {}

                public static var fields: [ConfigurationField<Self>] {
                    [.init("exponent", \.exponent, "the power of each class's loss", .atLeast(0))]
                }

                public func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
                    try ((performance.losses + 1e-12).log() * exponent).exp()
                }
            }

            /// Adds the class weighter `__name__`.
            public struct __Name__Plugin: Plugin {
                public init() {}

                public func register(in registry: inout PluginRegistry) throws {
                    try registry.weighters.add(
                        .init("__name__", "validation losses to a power", configuration: __Name__Weighter.self) {
                            weighter, _ in weighter
                        })
                }
            }
            """#,
        test: #"""
            import CPUEngine
            import ErrataCore
            import Foundation
            import PluginTesting
            import TensorEngine
            import Testing
            import __Name__

            @Suite struct __Name__Tests {
                @Test func conforms() throws { try checkPlugin(__Name__Plugin()) }

                @Test func power() throws {
                    let backend = try CPUBackend(threads: 1)
                    // Cross-entropies of 2 and 3.
                    let logits = [0, log(exp(2.0) - 1), log(exp(3.0) - 1), 0]
                    let performance = try ClassPerformance(
                        logits: backend.tensor(logits, [2, 2]), labels: backend.tensor([0, 1] as [Int32], [2]),
                        trainingCounts: [1, 1])
                    var weighter = __Name__Weighter()
                    weighter.exponent = 3
                    let weights = try weighter.weights(performance, estimates: ClassEstimates(classes: 2)).doubles()
                    #expect(abs(weights[0] - 8) < 1e-9 && abs(weights[1] - 27) < 1e-9)
                }
            }
            """#)
}
