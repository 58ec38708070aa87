/// The two kinds of cells that a network is stacked from; each has an architecture of its own.
public enum CellKind: String, CaseIterable, Sendable {
    /// Keeps the extent.
    case normal
    /// Halves the extent and doubles the channels.
    case reduction = "reduce"
}
