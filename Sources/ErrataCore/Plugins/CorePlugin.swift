/// What needs no module of its own: the class weighters, the hypergradients.
struct CorePlugin: Plugin {
    func register(in registry: inout PluginRegistry) throws {
        try registry.weighters.add(
            .init(
                "validation-loss", "the first classifier's validation loss on each class (Eq. 3)",
                configuration: ValidationLossConfiguration.self
            ) { settings, _ in ValidationLossWeighter(absentClasses: settings.absentClasses) })
        try registry.weighters.add(
            .init("uniform", "1 for every class: synthetic images without learning from mistakes") {
                UniformWeighter()
            })
        try registerHypergradients(in: &registry)
    }
}

extension ValidationLossWeighter.AbsentClasses: ConfigurationChoice {}

private struct ValidationLossConfiguration: Configuration {
    var absentClasses = ValidationLossWeighter.AbsentClasses.runningEstimate

    static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "absent_classes", \.absentClasses,
                "the weight of a class that the validation batch lacks: its running mean, none, or the mean of "
                    + "the others")
        ]
    }
}
