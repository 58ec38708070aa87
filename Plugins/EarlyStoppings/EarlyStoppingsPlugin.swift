import ErrataCore

/// Adds the early stoppings `skip-connections`, `stable-ranking` and `hessian-eigenvalue`.
public struct EarlyStoppingsPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.earlyStoppings.add(
            .init(
                "skip-connections", "where the normal cell has too many skip connections (DARTS+)",
                configuration: SkipConnectionStopping.self
            ) { rule, _ in rule })
        try registry.earlyStoppings.add(
            .init(
                "stable-ranking", "where the order of the candidates that learn no longer changes (DARTS+)",
                configuration: RankingStopping.self
            ) { rule, _ in rule })
        try registry.earlyStoppings.add(
            .init(
                "hessian-eigenvalue", "where the dominant eigenvalue of ∇²L_val(A) grows fast (R-DARTS)",
                configuration: EigenvalueStopping.self
            ) { rule, _ in rule })
    }
}
