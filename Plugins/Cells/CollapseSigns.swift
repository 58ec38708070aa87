import ErrataCore
import TensorEngine

/// The field's signs that a search collapses, for each kind of cells: skip connections take over its genotype
/// (Liang et al., 2019; Zela et al., 2020), and how decided the architecture is.
public enum CollapseSigns {
    /// The columns, for `SearchSpace.signs`.
    public static let declarations: [MetricDeclaration] = CellKind.allCases.flatMap { kind in
        [
            MetricDeclaration(
                "skips_\(kind.rawValue)", "skip connections of the \(kind.rawValue) cell's genotype"),
            MetricDeclaration(
                "entropy_\(kind.rawValue)",
                "mean entropy of the candidates' strengths over the \(kind.rawValue) cell's edges, in nats"),
        ]
    }

    /// Their values, for `SearchSpace.signs(of:)`.
    ///
    /// - Parameters:
    ///   - genotype: that A stands for.
    ///   - entropy: of a kind's strengths.
    public static func values(_ genotype: CellGenotype, entropy: (CellKind) throws -> Double) rethrows
        -> [String: Double]
    {
        var values: [String: Double] = [:]
        for kind in CellKind.allCases {
            values["skips_\(kind.rawValue)"] = Double(genotype[kind].skips)
            values["entropy_\(kind.rawValue)"] = try entropy(kind)
        }
        return values
    }
}
