import ErrataCore

/// Adds the method `lfm` and its class weighters.
public struct LFMPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.methods.add(
            .init(
                "lfm", "learning from mistakes by class weighting: the paper's three levels (Algorithm 1)",
                configuration: LFMSettings.self
            ) { try LFMMethod($0, $1) })
        try add(
            "validation-loss", "the first classifier's validation loss on each class (Eq. 3)",
            ValidationLossWeighter.self, in: &registry)
        try add("focal", "its focal loss on each class (Lin et al., 2017)", FocalWeighter.self, in: &registry)
        try add(
            "validation-error", "its validation error on each class, not differentiated",
            ValidationErrorWeighter.self, in: &registry)
        try add(
            "class-balanced", "another weighter's over effective numbers of images (Cui et al., 2019)",
            ClassBalancedWeighter.self, in: &registry)
        try add("softmax", "a softmax of another weighter's", SoftmaxWeighter.self, in: &registry)
        try add(
            "permuted", "another weighter's, each for a wrong class: a control", PermutedWeighter.self,
            in: &registry)
        try registry.weighters.add(
            .init("uniform", "1 for every class: synthetic images without learning from mistakes") {
                UniformWeighter()
            })
    }

    private func add<Weighter: ClassWeighter & Configuration>(
        _ name: String, _ summary: String, _ type: Weighter.Type, in registry: inout PluginRegistry
    ) throws {
        try registry.weighters.add(
            .init(name, summary, configuration: type) { weighter, _ in weighter })
    }
}
