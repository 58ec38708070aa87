import ErrataCore

/// Adds the method `random`.
public struct RandomSearchPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.methods.add(
            .init("random", "no search: a genotype drawn at random, the control of every search") { _ in
                RandomMethod()
            })
    }
}
