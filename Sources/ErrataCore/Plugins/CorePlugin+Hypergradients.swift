extension CorePlugin {
    func registerHypergradients(in registry: inout PluginRegistry) throws {
        try registry.hypergradients.add(
            .init("first-order", "the direct term at the stepped weights (DARTS, first order)") {
                FirstOrderHypergradient()
            })
        try registry.hypergradients.add(
            .init(
                "exact", "reverse mode through the levels' own steps, every path included",
                configuration: ExactConfiguration.self
            ) { configuration, _ in ExactHypergradient(configuration.settings) })
        try registry.hypergradients.add(
            .init(
                "finite-difference",
                "the same chain, second derivatives by central differences (DARTS, second order)",
                configuration: FiniteDifferenceConfiguration.self
            ) { configuration, _ in FiniteDifferenceHypergradient(configuration.settings) })
        try registry.hypergradients.add(
            .init(
                "neumann", "the implicit gradient, the inverse Jacobians as Neumann series",
                configuration: NeumannConfiguration.self
            ) { configuration, _ in NeumannHypergradient(configuration.settings) })
        try registry.hypergradients.add(
            .init(
                "conjugate-gradient",
                "the implicit gradient by conjugate gradients; for the game of G and H by GMRES",
                configuration: ConjugateGradientConfiguration.self
            ) { configuration, _ in ConjugateGradientHypergradient(configuration.settings) })
    }
}

extension ArchitecturePath: ConfigurationChoice {}
extension ClipTreatment: ConfigurationChoice {}

extension ConfigurationField {
    fileprivate static func paths(
        _ path: any WritableKeyPath<Root, [ArchitecturePath]> & Sendable
    ) -> Self {
        .init("paths", path, "the terms to keep, by the occurrence of A that each ends at", .notEmpty)
    }
}

private protocol PathSettings {
    var paths: Set<String>? { get set }
}

extension PathSettings {
    fileprivate func keeping(_ paths: [ArchitecturePath]) -> Self {
        var result = self
        result.paths = Set(paths.map(\.rawValue))
        return result
    }
}

extension ExactHypergradient.Settings: PathSettings {}
extension FiniteDifferenceHypergradient.Settings: PathSettings {}
extension NeumannHypergradient.Settings: PathSettings {}
extension ConjugateGradientHypergradient.Settings: PathSettings {}

private let clipMeaning =
    "whether the factor that clips W1's and W2's gradients is differentiated or held constant"

private struct ExactConfiguration: Configuration {
    private var unrolling = ExactHypergradient.Settings()
    private var paths = ArchitecturePath.allCases

    var settings: ExactHypergradient.Settings { unrolling.keeping(paths) }

    static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "unroll_steps", \.unrolling.unrollSteps, "steps each level takes, all differentiated",
                .atLeast(1)),
            .paths(\.paths),
            .init("clip", \.unrolling.clip, clipMeaning),
            .init(
                "checkpointing", \.unrolling.checkpointing,
                "compute cells again instead of keeping them: less memory, more time"),
        ]
    }
}

private struct FiniteDifferenceConfiguration: Configuration {
    private var unrolling = FiniteDifferenceHypergradient.Settings()
    private var paths = ArchitecturePath.allCases

    var settings: FiniteDifferenceHypergradient.Settings { unrolling.keeping(paths) }

    static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "scale", \.unrolling.scale, "ε·‖w‖, how far weights are moved along w (DARTS: 0.01)",
                .above(0)),
            .init(
                "unroll_steps", \.unrolling.unrollSteps, "steps each level takes, all differentiated",
                .atLeast(1)),
            .paths(\.paths),
            .init("clip", \.unrolling.clip, clipMeaning),
        ]
    }
}

private struct NeumannConfiguration: Configuration {
    private var solving = NeumannHypergradient.Settings()
    private var paths = ArchitecturePath.allCases

    var settings: NeumannHypergradient.Settings { solving.keeping(paths) }

    static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "rate", \.solving.rate,
                "the series' step, below 2/λ with λ the Jacobian's largest eigenvalue",
                .above(0)),
            .init("iterations", \.solving.iterations, "terms at most", .atLeast(1)),
            .init(
                "tolerance", \.solving.tolerance,
                "the series ends at a term so small, in the first one's norm",
                .atLeast(0)),
            .init("damping", \.solving.damping, "added to the Jacobian's diagonal", .atLeast(0)),
            .init("inner_steps", \.solving.innerSteps, "steps each level takes before A's", .atLeast(1)),
            .paths(\.paths),
        ]
    }
}

private struct ConjugateGradientConfiguration: Configuration {
    private var solving = ConjugateGradientHypergradient.Settings()
    private var paths = ArchitecturePath.allCases

    var settings: ConjugateGradientHypergradient.Settings { solving.keeping(paths) }

    static var fields: [ConfigurationField<Self>] {
        [
            .init("iterations", \.solving.iterations, "products with the Jacobian at most", .atLeast(1)),
            .init(
                "tolerance", \.solving.tolerance, "the residual's norm, in the right-hand side's, to stop at",
                .atLeast(0)),
            .init("damping", \.solving.damping, "added to the Jacobian's diagonal", .atLeast(0)),
            .init("inner_steps", \.solving.innerSteps, "steps each level takes before A's", .atLeast(1)),
            .paths(\.paths),
        ]
    }
}
