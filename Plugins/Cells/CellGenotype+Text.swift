import ErrataCore

/// The form of DARTS's own code: `Genotype(normal=[('sep_conv_3x3', 1), …], normal_concat=[2, 3, 4, 5],
/// reduce=[…], reduce_concat=[2, 3, 4, 5])`, where other than two edges make a node a list for each node.
extension CellGenotype: CustomStringConvertible {
    public var description: String {
        func edges(_ edges: [Edge]) -> String {
            edges.map { "('\($0.operation)', \($0.input))" }.joined(separator: ", ")
        }
        func nodes(_ cell: Cell) -> String {
            cell.isPaired
                ? edges(cell.edges) : cell.nodes.map { "[\(edges($0))]" }.joined(separator: ", ")
        }
        return "Genotype(normal=[\(nodes(normal))], normal_concat=\(normal.concatenation), "
            + "reduce=[\(nodes(reduction))], reduce_concat=\(reduction.concatenation))"
    }

    /// Reads the last `Genotype(…)` of a text: by itself, after `NAME =`, in a log, a Python file or a message.
    /// Lines that are comments do not count, comments within it are passed over; quotes are of either kind,
    /// edges and lists tuples or lists, and states a list or `range(a, b)`.
    ///
    /// - Throws: `GenotypeError`, with line and column where the text is wrong, or if a cell is malformed.
    public init(parsing text: String) throws {
        let text = Array(text)
        guard let start = GenotypeParser.lastCall(in: text) else {
            throw GenotypeError(
                "expected 'Genotype(normal=[('skip_connect', 0), …], reduce=[…])', found none",
                isAbsent: true)
        }
        var parser = GenotypeParser(text, from: start)
        self = try parser.genotype()
    }
}

/// Reads Python's literals as far as genotypes need them.
private struct GenotypeParser {
    private let text: [Character]
    private var position: Int

    private struct Literal {
        enum Content {
            case text(String)
            case number(Int)
            case list([Literal])
        }

        let content: Content
        let position: Int

        var list: [Literal]? { if case .list(let elements) = content { elements } else { nil } }
        var number: Int? { if case .number(let value) = content { value } else { nil } }
        var text: String? { if case .text(let value) = content { value } else { nil } }
    }

    init(_ text: [Character], from position: Int) {
        self.text = text
        self.position = position
    }

    /// Where the argument list of the last `Genotype(…)` opens that is not on a line of comment.
    static func lastCall(in text: [Character]) -> Int? {
        let name = Array("Genotype")
        for start in text.indices.dropLast(name.count).reversed()
        where text[start] == "G" && text[start..<(start + name.count)] == name[...] {
            var end = start + name.count
            while end < text.count, text[end].isWhitespace { end += 1 }
            guard end < text.count, text[end] == "(", start == 0 || !isPartOfWord(text[start - 1]) else {
                continue
            }
            let line = text[..<start].lastIndex(where: \.isNewline).map { $0 + 1 } ?? 0
            guard text[line..<start].first(where: { !isBlank($0) }) != "#" else { continue }
            return end
        }
        return nil
    }

    mutating func genotype() throws -> CellGenotype {
        try expect("(")
        var edges: [String: [WrittenEdges]] = [:]
        var concatenations: [String: [Int]] = [:]
        repeat {
            guard peek() != ")" else { break }
            guard let key = word() else { throw error("expected a name such as 'normal'") }
            guard edges[key] == nil, concatenations[key] == nil else {
                throw error("'\(key)' is given twice")
            }
            try expect("=")
            switch key {
            case "normal", "reduce": edges[key] = try self.edges()
            case "normal_concat", "reduce_concat": concatenations[key] = try states()
            default:
                throw error("'\(key)' is none of normal, normal_concat, reduce, reduce_concat")
            }
        } while take(",")
        try expect(")")
        func cell(_ key: String) throws -> CellGenotype.Cell {
            guard let edges = edges[key] else { throw error("'\(key)' is missing") }
            return .init(
                nodes: try WrittenEdges.nodes(edges, of: key),
                concatenation: concatenations["\(key)_concat"])
        }
        let genotype = CellGenotype(normal: try cell("normal"), reduction: try cell("reduce"))
        try genotype.validate()
        return genotype
    }

    private mutating func edges() throws -> [WrittenEdges] {
        try elements(of: literal()).map { element in
            let parts = try elements(of: element)
            return parts.first?.list == nil
                ? .edge(try edge(element)) : .node(try parts.map { try edge($0) })
        }
    }

    private func edge(_ literal: Literal) throws -> CellGenotype.Edge {
        let parts = try elements(of: literal)
        guard parts.count == 2 else {
            throw error("expected an operation and its input", at: literal.position)
        }
        guard let operation = parts[0].text else { throw error(Self.quotedName, at: parts[0].position) }
        guard let input = parts[1].number else { throw error(Self.wholeNumber, at: parts[1].position) }
        return .init(operation, input)
    }

    private mutating func states() throws -> [Int] {
        let start = position
        guard let name = word() else {
            return try elements(of: literal()).map { state in
                guard let number = state.number else { throw error(Self.wholeNumber, at: state.position) }
                return number
            }
        }
        guard name == "range" else { throw error("expected a list or range(a, b), found '\(name)'") }
        let bounds = try elements(of: literal()).compactMap(\.number)
        guard bounds.count == 2, bounds[0] < bounds[1], bounds[1] - bounds[0] <= 64 else {
            throw error(
                "range(\(bounds.map(String.init).joined(separator: ", "))) is no range of states", at: start)
        }
        return Array(bounds[0]..<bounds[1])
    }

    private static let quotedName = "expected a quoted name"
    private static let wholeNumber = "expected a whole number"

    private func elements(of literal: Literal) throws -> [Literal] {
        guard let elements = literal.list else { throw error("expected a list", at: literal.position) }
        return elements
    }

    /// A quoted text, a whole number, or a list or tuple of such. What is none is a mistake in a name where a list
    /// begins, and in a number elsewhere.
    private mutating func literal(first: Bool = true, depth: Int = 0) throws -> Literal {
        let opening = peek()
        let start = position
        guard depth < 8 else { throw error("expected lists within lists to end here") }
        switch opening {
        case "(", "[":
            position += 1
            let closing: Character = opening == "(" ? ")" : "]"
            var elements: [Literal] = []
            repeat {
                guard peek() != closing else { break }
                elements.append(try literal(first: elements.isEmpty, depth: depth + 1))
            } while take(",")
            try expect(closing)
            return Literal(content: .list(elements), position: start)
        case "'", "\"":
            position += 1
            while position < text.count, text[position] != opening, !text[position].isNewline {
                position += 1
            }
            guard position < text.count, text[position] == opening else {
                throw error("a quote is not closed", at: start)
            }
            position += 1
            return Literal(content: .text(String(text[(start + 1)..<(position - 1)])), position: start)
        default:
            while position < text.count, text[position].isASCII, text[position].isNumber { position += 1 }
            guard let number = Int(String(text[start..<position])) else {
                throw error(first ? Self.quotedName : Self.wholeNumber, at: start)
            }
            return Literal(content: .number(number), position: start)
        }
    }

    private mutating func word() -> String? {
        guard let first = peek(), first.isLetter else { return nil }
        let start = position
        while position < text.count, Self.isPartOfWord(text[position]) { position += 1 }
        return String(text[start..<position])
    }

    private static func isPartOfWord(_ character: Character) -> Bool {
        character.isLetter || character.isNumber || character == "_"
    }

    private static func isBlank(_ character: Character) -> Bool {
        character.isWhitespace || character == "\u{FEFF}"
    }

    /// The next character that is neither white space nor of a comment.
    private mutating func peek() -> Character? {
        while position < text.count, text[position].isWhitespace || text[position] == "#" {
            if text[position] == "#" {
                while position < text.count, !text[position].isNewline { position += 1 }
            } else {
                position += 1
            }
        }
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

    private func error(_ message: String, at offset: Int? = nil) -> GenotypeError {
        GenotypeError(message, at: offset ?? position, of: text)
    }
}
