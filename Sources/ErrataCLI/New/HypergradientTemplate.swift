extension PluginTemplate {
    static let hypergradient = PluginTemplate(
        source: #"""
            import ErrataCore
            import Multilevel
            import TensorEngine

            /// The implicit gradient with the inverse Jacobian taken to be `rate` (Luketina et al., 2016).
            public struct __Name__Hypergradient: Hypergradient, Configuration {
                public var rate = 0.01

                public init() {}

                public static var fields: [ConfigurationField<Self>] {
                    [.init("rate", \.rate, "what stands for the inverse Jacobian", .above(0))]
                }

                public func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient {
                    let levels = ImplicitLevels(damping: 0) { [rate] _, b, _ in try b.map { try $0 * rate } }
                    return try AdjointSweep(problem, solution, paths: paths, levels: levels).gradient()
                }
            }

            /// Adds the hypergradient `__name__`.
            public struct __Name__Plugin: Plugin {
                public init() {}

                public func register(in registry: inout PluginRegistry) throws {
                    try registry.hypergradients.add(
                        .init(
                            "__name__", "the implicit gradient with a multiple of 1 for the inverse Jacobian",
                            configuration: __Name__Hypergradient.self
                        ) { hypergradient, _ in hypergradient })
                }
            }
            """#,
        test: #"""
            import CPUEngine
            import Multilevel
            import NeuralNetworks
            import PluginTesting
            import TensorEngine
            import Testing
            import __Name__

            @Suite struct __Name__Tests {
                @Test func conforms() throws { try checkPlugin(__Name__Plugin()) }

                /// w descends ½(w − A)², A descends ½(w − 1)²: the gradient is rate·(w − 1).
                @Test func quadratic() throws {
                    let backend = try CPUBackend(threads: 1)
                    let w = Player(
                        "w", parameters: [try backend.tensor([0.0], [1])],
                        descent: DescentStep(SGD(), rate: 0.2), dependencies: [.architecture]
                    ) { values in
                        Evaluation(try (values["w"][0] - values.architecture[0]).squared().sum() * 0.5)
                    }
                    let problem = MultilevelProblem(
                        architecture: [try backend.tensor([0.5], [1])], stages: [.level(Level([w]))],
                        outer: Objective(["w"]) { Evaluation(try ($0["w"][0] - 1).squared().sum() * 0.5) })
                    var hypergradient = __Name__Hypergradient()
                    hypergradient.rate = 0.5
                    let found = try hypergradient.gradient(of: problem, at: problem.solve()).gradient[0].item()
                    #expect(abs(found - 0.5 * (0.2 * 0.5 - 1)) < 1e-12)
                }
            }
            """#)
}
