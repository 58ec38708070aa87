import ErrataCore
import Experiments

/// Checks everything that a plugin registers against what the framework asks of its kind.
///
///     import PluginTesting
///     @Test func conforms() throws { try checkPlugin(MyPlugin()) }
///
/// Every component is built with its default settings, and checked on small images in Float64 beside small partners
/// of the suite's own: shapes, first and second derivatives against central differences, every parameter reached by
/// a gradient, the same bits again and on two threads, state that survives a checkpoint, and what its kind promises
/// besides. A space that conforms to `OneHotSpace` is also held against its discrete networks.
///
/// - Parameters:
///   - plugin: registered in a registry of its own, beside what ships with the core.
///   - settings: of components by name, as YAML: `["my-space": "{channels: 2}"]`, where defaults are dear.
///   - networkSettings: of the evaluation networks of search spaces by name, as YAML.
///   - images: what networks are given; 8×8 grey in three classes by default.
///   - skipping: components by name that cannot be built here, such as a data set whose files are not at hand.
/// - Throws: `ConformanceFailures` with all that is wrong; `PluginError` if the plugin cannot be registered;
///   `ConfigurationErrors` if the settings are no YAML.
public func checkPlugin(
    _ plugin: any Plugin, settings: [String: String] = [:], networkSettings: [String: String] = [:],
    images: ImageSpecification = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3),
    skipping: Set<String> = []
) throws {
    try checkComponents(
        of: PluginRegistry([plugin]), besides: PluginRegistry(), settings: settings,
        networkSettings: networkSettings, images: images, skipping: skipping)
}

/// Checks the components of a registry that another does not have.
package func checkComponents(
    of registry: PluginRegistry, besides core: PluginRegistry? = nil, settings: [String: String] = [:],
    networkSettings: [String: String] = [:],
    images: ImageSpecification = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3),
    skipping: Set<String> = []
) throws {
    var conformance = Conformance(
        registry: registry, core: core,
        settings: try settings.mapValues { try YAMLReader.read($0, source: "settings") },
        networkSettings: try networkSettings.mapValues { try YAMLReader.read($0, source: "networkSettings") },
        skipping: skipping, bench: try Bench(images))
    conformance.checkAll()
    guard conformance.failures.isEmpty else { throw ConformanceFailures(failures: conformance.failures) }
}
