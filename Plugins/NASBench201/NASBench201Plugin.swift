import ErrataCore

/// Adds the search space `nas-bench-201`.
public struct NASBench201Plugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init(
                "nas-bench-201", "a cell of six edges and five operations (Dong and Yang, 2020)",
                configuration: NASBench201Settings.self
            ) { settings, _ in try NASBench201Space(settings) })
    }
}
