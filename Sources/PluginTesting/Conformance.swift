import Datasets
import ErrataCore
import Multilevel
import NeuralNetworks

/// The checks of all components of a registry.
struct Conformance {
    let registry: PluginRegistry
    /// What is not to be checked.
    let core: PluginRegistry?
    let settings: [String: ConfigurationValue]
    let networkSettings: [String: ConfigurationValue]
    let skipping: Set<String>
    let bench: Bench
    private(set) var failures: [ConformanceFailure] = []
    private var seen: Set<String> = []

    init(
        registry: PluginRegistry, core: PluginRegistry?, settings: [String: ConfigurationValue],
        networkSettings: [String: ConfigurationValue], skipping: Set<String>, bench: Bench
    ) {
        self.registry = registry
        self.core = core
        self.settings = settings
        self.networkSettings = networkSettings
        self.skipping = skipping
        self.bench = bench
    }

    mutating func checkAll() {
        let bench = bench
        let networkSettings = networkSettings
        checkEach(\.searchSpaces, ()) {
            $0.check($1, networkSettings: networkSettings[$0.name], bench)
        }
        checkEach(\.relaxations, ()) { $0.check($1, bench) }
        checkEach(
            \.generators, GeneratorContext(images: bench.images, backbone: PartnerBackbone(bench.images))
        ) {
            $0.check($1, bench)
        }
        checkEach(\.weighters, ()) { $0.check($1, bench) }
        checkEach(\.hypergradients, ()) { $0.check($1, bench) }
        checkEach(\.methods, .partners(bench.images)) { $0.check($1, bench) }
        checkEach(\.optimizers, ()) { $0.check($1, bench) }
        checkEach(\.schedules, ()) { $0.check($1) }
        checkEach(\.transforms, ()) { $0.check($1) }
        checkEach(\.earlyStoppings, ()) { $0.check($1) }
        checkEach(\.datasets, ()) { $0.check($1) }
        if seen.isEmpty { fail("components", found: "none", expected: "at least one") }
        let given = Set(settings.keys).union(networkSettings.keys).union(skipping)
        for name in given.subtracting(seen).sorted() {
            fail("components", found: "none called '\(name)', which settings are given for", expected: "one")
        }
    }

    private mutating func fail(_ property: String, found: String, expected: String) {
        failures.append(
            ConformanceFailure(
                kind: "plugin", component: "", property: property, found: found, expected: expected))
    }

    /// Builds the components of a kind, and checks each.
    private mutating func checkEach<Product, Context>(
        _ list: KeyPath<PluginRegistry, ComponentList<Product, Context>>, _ context: Context,
        _ body: (inout ComponentCheck, Product) -> Void
    ) {
        let known = Set(core?[keyPath: list].components.map(\.name) ?? [])
        let components = registry[keyPath: list]
        for component in components.components where !known.contains(component.name) {
            seen.insert(component.name)
            guard !skipping.contains(component.name) else { continue }
            var check = ComponentCheck(components.kind, component.name)
            let selection = ComponentSelection(component.name, settings: settings[component.name])
            let prepared = check.attempt("settings") { check in
                let prepared = try components.resolve(selection, registry: registry)
                check.expect(
                    "settings, written and read",
                    try components.resolve(prepared.selection, registry: registry).selection,
                    equals: prepared.selection)
                return prepared
            }
            if let prepared, let product = check.attempt("construction", { _ in try prepared.make(context) })
            {
                body(&check, product)
            }
            failures += check.failures
        }
    }
}
