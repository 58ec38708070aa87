/// A component as documentation shows it: without its product.
public struct ComponentSummary: Sendable {
    public let name: String
    /// One line.
    public let summary: String
    /// The settings with their types, defaults and meanings.
    public let settings: [ConfigurationRow]
    /// What the settings may be, for machines.
    package let shape: ConfigurationShape
    /// Every setting where a file says nothing.
    package let defaults: ConfigurationValue
}

extension ComponentList {
    public var summaries: [ComponentSummary] {
        components.map {
            ComponentSummary(
                name: $0.name, summary: $0.summary, settings: $0.settings, shape: $0.shape,
                defaults: $0.defaults)
        }
    }
}

extension PluginRegistry {
    /// Every kind of component that there is, in the order of a spec.
    public var kinds: [(kind: String, components: [ComponentSummary])] {
        [
            (datasets.kind, datasets.summaries), (transforms.kind, transforms.summaries),
            (searchSpaces.kind, searchSpaces.summaries),
            (relaxations.kind, relaxations.summaries),
            (methods.kind, methods.summaries), (generators.kind, generators.summaries),
            (weighters.kind, weighters.summaries), (hypergradients.kind, hypergradients.summaries),
            (optimizers.kind, optimizers.summaries), (schedules.kind, schedules.summaries),
            (earlyStoppings.kind, earlyStoppings.summaries), (launchers.kind, launchers.summaries),
        ]
    }
}
