import ErrataCore

/// The operations that edges choose from, by name: a list for all edges, or `normal` and `reduce`, each with a list for
/// each edge, node by node and state by state.
public enum EdgeCandidates: Sendable, Hashable {
    case same([OperationName])
    case each(normal: [[OperationName]], reduction: [[OperationName]])

    /// The candidates of a cell of some nodes.
    ///
    /// - Parameters:
    ///   - kind: of the cell.
    ///   - nodes: how many.
    ///   - operations: what may be named.
    ///   - relaxation: how architecture parameters become weights.
    /// - Throws: `ConfigurationErrors` if a list names another operation; `SettingError` if there are not as many lists
    ///   as edges.
    func candidates(
        _ kind: CellKind, nodes: Int, among operations: [CellOperation], relaxation: any Relaxation
    ) throws -> CandidateEdges {
        switch self {
        case .same(let names):
            return try CandidateEdges(
                nodes: nodes, operations: OperationName.operations(names, among: operations),
                relaxation: relaxation)
        case .each(let normal, let reduction):
            let lists = kind == .normal ? normal : reduction
            let ends = (0...nodes).map { $0 * ($0 + 3) / 2 }
            guard lists.count == ends[nodes] else {
                throw SettingError(
                    "search_space.operations.\(kind.rawValue)",
                    "\(lists.count) lists, expected one for each of the \(ends[nodes]) edges of \(nodes) nodes"
                )
            }
            let edges = try lists.map { try OperationName.operations($0, among: operations) }
            return try CandidateEdges(
                nodes: zip(ends, ends.dropFirst()).map { Array(edges[$0..<$1]) }, relaxation: relaxation)
        }
    }
}

extension EdgeCandidates: ExpressibleByArrayLiteral {
    public init(arrayLiteral names: OperationName...) { self = .same(names) }
}

extension EdgeCandidates: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Self> {
        .init(
            "operations",
            expectation: "a list of operations that is not empty, a mapping of normal and reduce",
            read: { value, _, expectation, decoder in
                switch value.content {
                case .sequence(let names) where !names.isEmpty:
                    return [OperationName].codec.decode(value, default: nil, &decoder).map { .same($0) }
                case .mapping:
                    let before = decoder.errors.count
                    let lists = decoder.decode(EdgeLists.self, from: value)
                    guard decoder.errors.count == before else { return nil }
                    return .each(normal: lists.normal, reduction: lists.reduction)
                default:
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
            },
            encode: { candidates in
                switch candidates {
                case .same(let names): .sequence(names.map(OperationName.codec.encode))
                case .each(let normal, let reduction):
                    EdgeLists(normal: normal, reduction: reduction).encoded
                }
            })
    }
}

/// A list of operations for each edge.
private struct EdgeLists: Configuration {
    var normal: [[OperationName]] = []
    var reduction: [[OperationName]] = []

    static var fields: [ConfigurationField<Self>] {
        [
            .init("normal", \.normal, "of each edge of normal cells"),
            .init("reduce", \.reduction, "of each edge of reduction cells"),
        ]
    }
}
