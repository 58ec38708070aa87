import ErrataCore

/// The form of YAML files: `normal: [[sep_conv_3x3, 1], …]`, `normal_concat: [2, 3, 4, 5]`, `reduce`,
/// `reduce_concat`, where other than two edges make a node a list for each node; or DARTS's own code as a text.
extension CellGenotype: GenotypeRepresentable {
    public static var codec: ConfigurationCodec<CellGenotype> {
        .genotype(as: CellLists.self, from: { try $0.genotype() }, form: { CellLists($0) })
    }
}

private struct CellLists: Configuration {
    var normal: [WrittenEdges] = []
    var normalConcatenation: [Int]?
    var reduction: [WrittenEdges] = []
    var reductionConcatenation: [Int]?

    init() {}

    init(_ genotype: CellGenotype) {
        normal = WrittenEdges.written(genotype.normal)
        normalConcatenation = genotype.normal.concatenation
        reduction = WrittenEdges.written(genotype.reduction)
        reductionConcatenation = genotype.reduction.concatenation
    }

    func genotype() throws -> CellGenotype {
        let genotype = CellGenotype(
            normal: .init(
                nodes: try WrittenEdges.nodes(normal, of: CellKind.normal.rawValue),
                concatenation: normalConcatenation),
            reduction: .init(
                nodes: try WrittenEdges.nodes(reduction, of: CellKind.reduction.rawValue),
                concatenation: reductionConcatenation))
        try genotype.validate()
        return genotype
    }

    static var fields: [ConfigurationField<Self>] {
        [
            .init("normal", \.normal, "edges of the normal cell, two for each node or a list for each node"),
            .init("normal_concat", \.normalConcatenation, "states of the normal cell's output"),
            .init("reduce", \.reduction, "edges of the reduction cell, likewise"),
            .init("reduce_concat", \.reductionConcatenation, "states of the reduction cell's output"),
        ]
    }
}

extension WrittenEdges: ConfigurationRepresentable {
    static var codec: ConfigurationCodec<Self> {
        .init(
            "edge", expectation: "an operation and its input, such as [skip_connect, 0], or a list of such",
            parse: { value in
                if let edge = edge(value) { return .edge(edge) }
                guard case .sequence(let parts) = value.content, !parts.isEmpty else { return nil }
                let edges = parts.compactMap(edge)
                return edges.count == parts.count ? .node(edges) : nil
            },
            encode: { written in
                switch written {
                case .edge(let edge): encoded(edge)
                case .node(let edges): .sequence(edges.map(encoded))
                }
            })
    }

    private static func edge(_ value: ConfigurationValue) -> CellGenotype.Edge? {
        guard case .sequence(let parts) = value.content, parts.count == 2, let operation = parts[0].text,
            let input = parts[1].literal.flatMap({ Int($0) })
        else { return nil }
        return .init(operation, input)
    }

    private static func encoded(_ edge: CellGenotype.Edge) -> ConfigurationValue {
        .sequence([.string(edge.operation), .literal("\(edge.input)")])
    }
}
