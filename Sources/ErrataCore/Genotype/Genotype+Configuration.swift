/// The form of YAML files: `normal: [[sep_conv_3x3, 1], …]`, `normal_concat: [2, 3, 4, 5]`, `reduce`,
/// `reduce_concat`; or DARTS's own code as a text.
extension Genotype: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Genotype> {
        .init(
            "genotype", expectation: "a genotype",
            read: { value, _, expectation, decoder in
                switch value.content {
                case .scalar(let text, _):
                    do { return try Genotype(parsing: text) } catch {
                        decoder.fail("\(error)", at: value.location)
                        return nil
                    }
                case .mapping:
                    let before = decoder.errors.count
                    let cells = decoder.decode(CellLists.self, from: value)
                    return decoder.errors.count == before ? cells.genotype : nil
                case .null, .sequence:
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
            },
            encode: { CellLists($0).encoded })
    }

    /// - Throws: `ConfigurationErrors` with everything that is wrong.
    public init(decoding value: ConfigurationValue) throws(ConfigurationErrors) {
        var decoder = ConfigurationDecoder()
        let genotype = Self.codec.decode(value, default: nil, &decoder)
        try decoder.finish()
        guard let genotype else { preconditionFailure("no genotype, and nothing reported") }
        self = genotype
    }

    public var encoded: ConfigurationValue { Self.codec.encode(self) }
}

private struct CellLists: Configuration {
    var normal: [Genotype.Edge] = []
    var normalConcatenation: [Int]?
    var reduction: [Genotype.Edge] = []
    var reductionConcatenation: [Int]?

    init() {}

    init(_ genotype: Genotype) {
        normal = genotype.normal.edges
        normalConcatenation = genotype.normal.concatenation
        reduction = genotype.reduction.edges
        reductionConcatenation = genotype.reduction.concatenation
    }

    var genotype: Genotype {
        Genotype(
            normal: .init(edges: normal, concatenation: normalConcatenation),
            reduction: .init(edges: reduction, concatenation: reductionConcatenation))
    }

    static var fields: [ConfigurationField<Self>] {
        [
            .init("normal", \.normal, "Edges of the normal cell, two for each node."),
            .init("normal_concat", \.normalConcatenation, "States of the normal cell's output."),
            .init("reduce", \.reduction, "Edges of the reduction cell, two for each node."),
            .init("reduce_concat", \.reductionConcatenation, "States of the reduction cell's output."),
        ]
    }

    func validate() throws {
        try genotype.validate()
    }
}

extension Genotype.Edge: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Self> {
        .init(
            "edge", expectation: "an operation and its input, such as [skip_connect, 0]",
            parse: { value in
                guard case .sequence(let parts) = value.content, parts.count == 2,
                    let operation = parts[0].text, let input = parts[1].literal.flatMap({ Int($0) })
                else { return nil }
                return Self(operation, input)
            },
            encode: { .sequence([.string($0.operation), .literal("\($0.input)")]) })
    }
}
