import ErrataCore

/// Adds the method `lfm` and the class weighters `validation-loss` and `uniform`.
public struct LFMPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.methods.add(
            .init(
                "lfm", "learning from mistakes by class weighting: the paper's three levels (Algorithm 1)",
                configuration: LFMSettings.self
            ) { try LFMMethod($0, $1) })
        try registry.weighters.add(
            .init(
                "validation-loss", "the first classifier's validation loss on each class (Eq. 3)",
                configuration: ValidationLossWeighter.self
            ) { weighter, _ in weighter })
        try registry.weighters.add(
            .init("uniform", "1 for every class: synthetic images without learning from mistakes") {
                UniformWeighter()
            })
    }
}
