extension CorePlugin {
    func registerRelaxations(in registry: inout PluginRegistry) throws {
        try registry.relaxations.add(
            .init(
                "softmax", "softmax(A) over the candidates (DARTS)",
                configuration: SoftmaxRelaxation.self
            ) { relaxation, _ in relaxation })
    }
}

extension SoftmaxRelaxation: Configuration {
    public static var fields: [ConfigurationField<Self>] { [] }
}
