import Datasets
import Multilevel
import NeuralNetworks

/// Everything an experiment can choose from: a value that `main` makes and passes on.
public struct PluginRegistry: Sendable {
    public var searchSpaces = ComponentList<any SearchSpace, Void>(kind: "search space")
    public var relaxations = ComponentList<any Relaxation, Void>(kind: "relaxation")
    public var methods = ComponentList<any SearchMethod, MethodContext>(kind: "method")
    public var generators = ComponentList<any ConditionalGenerator, GeneratorContext>(kind: "generator")
    public var weighters = ComponentList<any ClassWeighter, Void>(kind: "class weighter")
    public var hypergradients = ComponentList<any Hypergradient, Void>(kind: "hypergradient")
    public var optimizers = ComponentList<any Optimizer, Void>(kind: "optimizer")
    public var schedules = ComponentList<any Schedule, Void>(kind: "schedule")
    public var transforms = ComponentList<any ImageTransform, Void>(kind: "transform")
    public var earlyStoppings = ComponentList<any EarlyStopping, Void>(kind: "early stopping")
    public var launchers = ComponentList<any Launcher, Void>(kind: "launcher")
    public var datasets = ComponentList<ImageData, Void>(kind: "data set")

    /// What ships with the core, and what the plugins add.
    ///
    /// - Throws: `PluginError` if two components of a kind have one name.
    public init(_ plugins: [any Plugin] = []) throws {
        for plugin in [CorePlugin()] + plugins { try plugin.register(in: &self) }
    }
}
