/// What needs no module of its own: optimisers, schedules, hypergradients, the softmax.
struct CorePlugin: Plugin {
    func register(in registry: inout PluginRegistry) throws {
        try registerDescent(in: &registry)
        try registerHypergradients(in: &registry)
        try registerRelaxations(in: &registry)
    }
}
