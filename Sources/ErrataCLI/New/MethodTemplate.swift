extension PluginTemplate {
    static let method = PluginTemplate(
        source: #"""
            import ErrataCore
            import Multilevel
            import NeuralNetworks
            import TensorEngine

            /// W descends the training loss; A the validation loss and, weighted, the training loss at the weights that W
            /// steps to (mixed-level reformulation, He et al., 2020).
            public struct __Name__Method: SearchMethod {
                private let settings: __Name__Settings
                private let supernet: any Supernet
                private let descent: Descent

                public init(_ settings: __Name__Settings, _ context: MethodContext) {
                    self.settings = settings
                    supernet = context.supernet
                    descent = context.weights
                }

                private static let w: ValueID = "w"

                public var classifiers: [ValueID] { [Self.w] }
                public var occurrences: [String] { [MultilevelProblem.directPath, Self.w.name] }

                public var models: [ModelDeclaration] {
                    [ModelDeclaration(Self.w, layout: supernet.layout, descent: descent, setting: "optimizers.weights")]
                }

                public var batches: [BatchRequest] {
                    [
                        BatchRequest("training", of: .training, isAugmented: true),
                        BatchRequest("validation", of: .validation),
                    ]
                }

                public var metrics: [MetricDeclaration] {
                    [
                        MetricDeclaration("training_accuracy", "of W on its batch of D_tr"),
                        MetricDeclaration("validation_accuracy", "of W on the batch of D_val that A descends"),
                    ]
                }

                public func problem(of step: SearchStep) throws -> MultilevelProblem {
                    let (training, validation) = (step.batches["training"][0], step.batches["validation"][0])
                    let w = step.player(models[0], dependencies: [.architecture]) { values in
                        try step.crossEntropy(
                            of: supernet, Self.w, on: training, values, keepsBuffers: true,
                            accuracy: "training_accuracy")
                    }
                    return step.problem(
                        [.level(Level([w]))],
                        outer: Objective([.architecture, .value(Self.w)]) { values in
                            var loss = try step.crossEntropy(
                                of: supernet, Self.w, on: validation, values, keepsBuffers: false,
                                accuracy: "validation_accuracy")
                            let fit = try step.crossEntropy(
                                of: supernet, Self.w, on: training, values, keepsBuffers: false)
                            loss.tensors[0] = try loss.value + fit.value * settings.trainingWeight
                            return loss
                        })
                }
            }

            /// What a step is.
            public struct __Name__Settings: Configuration {
                public var trainingWeight = 0.5

                public init() {}

                public static var fields: [ConfigurationField<Self>] {
                    [
                        .init(
                            "training_weight", \.trainingWeight, "of the training loss in what A descends", .atLeast(0))
                    ]
                }
            }

            /// Adds the method `__name__`.
            public struct __Name__Plugin: Plugin {
                public init() {}

                public func register(in registry: inout PluginRegistry) throws {
                    try registry.methods.add(
                        .init(
                            "__name__", "A descends both losses (mixed-level search)",
                            configuration: __Name__Settings.self
                        ) { __Name__Method($0, $1) })
                }
            }
            """#,
        test: #"""
            import ErrataCore
            import PluginTesting
            import Testing
            import __Name__

            @Suite struct __Name__Tests {
                @Test func conforms() throws { try checkPlugin(__Name__Plugin()) }

                @Test func settings() throws {
                    let component = try PluginRegistry([__Name__Plugin()]).methods.components[0]
                    #expect(component.name == "__name__")
                    #expect(component.settings.map(\.path) == ["training_weight"])
                    #expect(component.settings.map(\.default) == ["0.5"])
                }
            }
            """#)
}
