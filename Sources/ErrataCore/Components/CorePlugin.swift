/// What needs no module of its own: optimisers, schedules, hypergradients, the softmax, the launcher of this machine.
struct CorePlugin: Plugin {
    func register(in registry: inout PluginRegistry) throws {
        try registerDescent(in: &registry)
        try registerHypergradients(in: &registry)
        try registerRelaxations(in: &registry)
        try registry.launchers.add(
            .init("local", "processes of this machine") { _ in LocalLauncher() })
    }
}
