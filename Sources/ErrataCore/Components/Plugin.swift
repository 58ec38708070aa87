/// A module that adds components an experiment can choose: search spaces, generators, class weighters,
/// hypergradients, data sets.
///
///     public struct MyGeneratorPlugin: Plugin {
///         public func register(in registry: inout PluginRegistry) throws { try registry.generators.add(…) }
///     }
public protocol Plugin: Sendable {
    /// - Throws: `PluginError` if a component of the same kind has a name that is to be added.
    func register(in registry: inout PluginRegistry) throws
}
