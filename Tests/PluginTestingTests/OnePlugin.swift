import ErrataCore
import PluginTesting

/// A plugin of whatever a test registers.
struct OnePlugin: Plugin {
    private let body: @Sendable (inout PluginRegistry) throws -> Void

    init(_ body: @escaping @Sendable (inout PluginRegistry) throws -> Void) { self.body = body }

    func register(in registry: inout PluginRegistry) throws { try body(&registry) }
}

/// What is wrong with a plugin, as `component: property`.
func properties(
    _ settings: [String: String] = [:], skipping: Set<String> = [],
    _ body: @escaping @Sendable (inout PluginRegistry) throws -> Void
) throws -> [String] {
    do { try checkPlugin(OnePlugin(body), settings: settings, skipping: skipping) } catch let error
        as ConformanceFailures
    {
        return error.failures.map(\.property)
    }
    return []
}
