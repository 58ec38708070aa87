/// The form of DARTS's own code: `Genotype(normal=[('sep_conv_3x3', 1), …], normal_concat=[2, 3, 4, 5],
/// reduce=[…], reduce_concat=[2, 3, 4, 5])`.
extension Genotype: CustomStringConvertible {
    public var description: String {
        func edges(_ cell: Cell) -> String {
            cell.edges.map { "('\($0.operation)', \($0.input))" }.joined(separator: ", ")
        }
        return "Genotype(normal=[\(edges(normal))], normal_concat=\(normal.concatenation), "
            + "reduce=[\(edges(reduction))], reduce_concat=\(reduction.concatenation))"
    }

    /// Reads that form, with lists or `range(a, b)`, either quotes, and an optional `NAME =` before it.
    ///
    /// - Throws: `GenotypeError`, with line and column where the text is wrong, or if a cell is malformed.
    public init(parsing text: String) throws {
        var parser = GenotypeParser(text)
        self = try parser.genotype()
    }
}

private struct GenotypeParser {
    private let text: [Character]
    private var position = 0

    init(_ text: String) { self.text = Array(text) }

    mutating func genotype() throws -> Genotype {
        if let name = word(), name != "Genotype" {
            try expect("=")
            guard word() == "Genotype" else { throw error("expected 'Genotype('") }
        }
        try expect("(")
        var edges: [String: [Genotype.Edge]] = [:]
        var concatenations: [String: [Int]] = [:]
        repeat {
            guard peek() != ")" else { break }
            guard let key = word() else { throw error("expected a name such as 'normal'") }
            guard edges[key] == nil, concatenations[key] == nil else {
                throw error("'\(key)' is given twice")
            }
            try expect("=")
            switch key {
            case "normal", "reduce": edges[key] = try list { try $0.edge() }
            case "normal_concat", "reduce_concat": concatenations[key] = try states()
            default:
                throw error("'\(key)' is none of normal, normal_concat, reduce, reduce_concat")
            }
        } while take(",")
        try expect(")")
        guard peek() == nil else { throw error("unexpected text after the genotype") }
        func cell(_ key: String) throws -> Genotype.Cell {
            guard let edges = edges[key] else { throw error("'\(key)' is missing") }
            return Genotype.Cell(edges: edges, concatenation: concatenations["\(key)_concat"])
        }
        let genotype = Genotype(normal: try cell("normal"), reduction: try cell("reduce"))
        try genotype.validate()
        return genotype
    }

    private mutating func edge() throws -> Genotype.Edge {
        try expect("(")
        guard let quote = peek(), quote == "'" || quote == "\"" else { throw error("expected a quoted name") }
        position += 1
        let start = position
        while position < text.count, text[position] != quote, !text[position].isNewline { position += 1 }
        guard position < text.count, text[position] == quote else {
            position = start - 1
            throw error("a quote is not closed")
        }
        let name = String(text[start..<position])
        position += 1
        try expect(",")
        let input = try integer()
        _ = take(",")
        try expect(")")
        return Genotype.Edge(name, input)
    }

    private mutating func states() throws -> [Int] {
        guard let name = word() else { return try list { try $0.integer() } }
        guard name == "range" else { throw error("expected a list or range(a, b), found '\(name)'") }
        try expect("(")
        let first = try integer()
        try expect(",")
        let end = try integer()
        try expect(")")
        guard first < end, end - first <= 64 else {
            throw error("range(\(first), \(end)) is no range of states")
        }
        return Array(first..<end)
    }

    private mutating func list<Element>(_ element: (inout Self) throws -> Element) throws -> [Element] {
        try expect("[")
        var result: [Element] = []
        repeat {
            guard peek() != "]" else { break }
            result.append(try element(&self))
        } while take(",")
        try expect("]")
        return result
    }

    private mutating func integer() throws -> Int {
        _ = peek()
        let start = position
        while position < text.count, text[position].isASCII, text[position].isNumber { position += 1 }
        guard let value = Int(String(text[start..<position])) else { throw error("expected a whole number") }
        return value
    }

    private mutating func word() -> String? {
        guard let first = peek(), first.isLetter else { return nil }
        let start = position
        while position < text.count,
            text[position].isLetter || text[position].isNumber || text[position] == "_"
        {
            position += 1
        }
        return String(text[start..<position])
    }

    /// The next character that is not white space.
    private mutating func peek() -> Character? {
        while position < text.count, text[position].isWhitespace { position += 1 }
        return position < text.count ? text[position] : nil
    }

    private mutating func take(_ character: Character) -> Bool {
        guard peek() == character else { return false }
        position += 1
        return true
    }

    private mutating func expect(_ character: Character) throws {
        let found = peek()
        guard take(character) else {
            throw error(
                "expected '\(character)', found \(found.map { String($0).quotedForMessage } ?? "the end")")
        }
    }

    private func error(_ message: String) -> GenotypeError {
        let before = text[..<min(position, text.count)]
        let line = 1 + before.count(where: \.isNewline)
        let column = 1 + before.count - (before.lastIndex(where: \.isNewline).map { $0 + 1 } ?? 0)
        return GenotypeError("\(line):\(column): \(message)")
    }
}
