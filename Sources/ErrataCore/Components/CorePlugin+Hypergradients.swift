import Multilevel

extension CorePlugin {
    func registerHypergradients(in registry: inout PluginRegistry) throws {
        try registry.hypergradients.add(
            .init("first-order", "the direct term at the stepped weights (DARTS, first order)") {
                FirstOrderHypergradient()
            })
        try registry.hypergradients.add(
            .init(
                "exact", "reverse mode through the levels' own steps, every path included",
                configuration: ExactHypergradient.self
            ) { method, _ in method })
        try registry.hypergradients.add(
            .init(
                "finite-difference",
                "the same chain, second derivatives by central differences (DARTS, second order)",
                configuration: FiniteDifferenceHypergradient.self
            ) { method, _ in method })
        try registry.hypergradients.add(
            .init(
                "neumann", "the implicit gradient, the inverse Jacobians as Neumann series",
                configuration: NeumannHypergradient.self
            ) { method, _ in method })
        try registry.hypergradients.add(
            .init(
                "conjugate-gradient",
                "the implicit gradient by conjugate gradients; for the game of G and H by GMRES",
                configuration: ConjugateGradientHypergradient.self
            ) { method, _ in method })
    }
}

extension ClipTreatment: ConfigurationChoice {}

/// A hypergradient that can leave occurrences of A out.
private protocol PathChoosing {
    var paths: Set<String>? { get set }
}

extension PathChoosing {
    /// The paths as a list in the order of their names.
    fileprivate var pathNames: [String]? {
        get { paths?.sorted() }
        set { paths = newValue.map { Set($0) } }
    }
}

extension ConfigurationField where Root: PathChoosing {
    fileprivate static var paths: Self {
        .init(
            "paths", \.pathNames,
            "the terms to keep, by the occurrence of A that each ends at; all where null",
            ifGiven: .notEmpty)
    }
}

private func clipField<Root>(
    _ path: any WritableKeyPath<Root, ClipTreatment> & Sendable
) -> ConfigurationField<Root> {
    .init("clip", path, "whether the factor that clips gradients is differentiated or held constant")
}

extension ExactHypergradient: PathChoosing, Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .paths, clipField(\.clip),
            .init(
                "checkpointing", \.checkpointing,
                "compute parts again instead of keeping them: less memory, more time"),
        ]
    }
}

extension FiniteDifferenceHypergradient: PathChoosing, Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "scale", \.scale, "ε·‖w‖, how far weights are moved along w (DARTS: 0.01)", .above(0)),
            .paths, clipField(\.clip),
        ]
    }
}

extension NeumannHypergradient: PathChoosing, Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "rate", \.rate, "the series' step, below 2 by the Jacobian's largest eigenvalue",
                .above(0)),
            .init("iterations", \.stopping.iterations, "terms at most", .within(1...100_000)),
            .init(
                "tolerance", \.stopping.tolerance,
                "the series ends at a term so small, in the first one's norm", .atLeast(0)),
            .init("damping", \.damping, "added to the Jacobian's diagonal", .atLeast(0)),
            .paths,
        ]
    }
}

extension ConjugateGradientHypergradient: PathChoosing, Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "iterations", \.stopping.iterations, "products with the Jacobian at most",
                .within(1...10_000)),
            .init(
                "tolerance", \.stopping.tolerance,
                "the residual's norm, in the right-hand side's, to stop at", .atLeast(0)),
            .init("damping", \.damping, "added to the Jacobian's diagonal", .atLeast(0)),
            .paths,
        ]
    }
}
