import Datasets
import NeuralNetworks

/// A kind of components that a setting chooses one of, where nothing but its own settings decides what it is.
public protocol ComponentKind: Sendable {
    associatedtype Product: Sendable
    static func components(of registry: PluginRegistry) -> ComponentList<Product, Void>
}

/// A setting whose value is a component: `optimizer: adam` or `optimizer: {name: adam, beta1: 0.5}`.
public struct Choice<Kind: ComponentKind>: Sendable {
    public let product: Kind.Product
    /// The name, and every setting.
    public let selection: ComponentSelection
    private let rows: [ConfigurationRow]

    /// - Parameters:
    ///   - name: under which the component is registered.
    ///   - configuration: its settings.
    ///   - product: what it makes of them.
    public init(_ name: String, _ configuration: some Configuration, _ product: Kind.Product) {
        self.init(
            ComponentSelection(name, settings: configuration.encoded), product,
            rows: configuration.rows(path: ""))
    }

    fileprivate init(_ selection: ComponentSelection, _ product: Kind.Product, rows: [ConfigurationRow]) {
        self.selection = selection
        self.product = product
        self.rows = rows
    }
}

/// Two are equal that choose the same component with the same settings.
extension Choice: Hashable {
    public static func == (one: Self, other: Self) -> Bool { one.selection == other.selection }

    public func hash(into hasher: inout Hasher) { hasher.combine(selection) }
}

extension Choice: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Self> {
        var codec = ConfigurationCodec<Self>(
            "component", expectation: "a name, or a mapping with a name and settings",
            shape: .component { Kind.components(of: $0).described },
            read: { value, standing, _, decoder in
                guard
                    let selection = ComponentSelection.codec.decode(
                        value, default: standing?.selection, &decoder)
                else { return nil }
                guard let registry = decoder.registry else {
                    preconditionFailure("a component is chosen where no registry is known")
                }
                guard
                    let prepared = decoder.resolve(selection, from: Kind.components(of: registry))
                else { return nil }
                do {
                    return Self(
                        prepared.selection, try prepared.make(()), rows: prepared.settings)
                } catch {
                    decoder.fail(error, at: value.location)
                    return nil
                }
            },
            encode: \.selection.encoded)
        codec.rows = { choice, path in
            [
                ConfigurationRow(
                    path: "\(path).name", type: "name", default: choice.selection.name, meaning: "which one")
            ]
                + choice.rows.map {
                    var row = $0
                    row.path = "\(path).\(row.path)"
                    return row
                }
        }
        return codec
    }
}

/// Optimisers.
public enum OptimizerKind: ComponentKind {
    public static func components(of registry: PluginRegistry) -> ComponentList<any Optimizer, Void> {
        registry.optimizers
    }
}

/// What training images are varied by.
public enum TransformKind: ComponentKind {
    public static func components(of registry: PluginRegistry) -> ComponentList<any ImageTransform, Void> {
        registry.transforms
    }
}

/// Learning rate schedules.
public enum ScheduleKind: ComponentKind {
    public static func components(of registry: PluginRegistry) -> ComponentList<any Schedule, Void> {
        registry.schedules
    }
}

/// What may end a search early.
public enum EarlyStoppingKind: ComponentKind {
    public static func components(of registry: PluginRegistry) -> ComponentList<any EarlyStopping, Void> {
        registry.earlyStoppings
    }
}

/// Relaxations.
public enum RelaxationKind: ComponentKind {
    public static func components(of registry: PluginRegistry) -> ComponentList<any Relaxation, Void> {
        registry.relaxations
    }
}

extension Choice where Kind == RelaxationKind {
    public init(_ name: String, _ relaxation: some Relaxation & Configuration) {
        self.init(name, relaxation, relaxation)
    }
}

/// Class weighters.
public enum ClassWeighterKind: ComponentKind {
    public static func components(of registry: PluginRegistry) -> ComponentList<any ClassWeighter, Void> {
        registry.weighters
    }
}

extension Choice where Kind == ClassWeighterKind {
    public init(_ name: String, _ weighter: some ClassWeighter & Configuration) {
        self.init(name, weighter, weighter)
    }
}

extension Choice where Kind == OptimizerKind {
    public init(_ name: String, _ optimizer: some Optimizer & Configuration) {
        self.init(name, optimizer, optimizer)
    }
}

extension Choice where Kind == ScheduleKind {
    public init(_ name: String, _ schedule: some Schedule & Configuration) {
        self.init(name, schedule, schedule)
    }
}
