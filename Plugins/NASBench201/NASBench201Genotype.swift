import ErrataCore

/// A cell of NAS-Bench-201: an operation on each edge from an earlier node to a later one, of four nodes.
///
/// Its text is the benchmark's: `|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|`, the edges
/// into each node after the first, each with the node it comes from.
public struct NASBench201Genotype: Hashable, Sendable {
    /// Node by node, and by the node that an edge comes from.
    public let operations: [NASBench201Operation]

    /// How many cells there are.
    public static let count = 15_625

    /// Which node each edge comes from and leads to, from 0.
    public static let edges: [(from: Int, to: Int)] = (1...3).flatMap { to in (0..<to).map { ($0, to) } }

    /// - Parameter operations: of the six edges, in the order of `edges`.
    public init(_ operations: [NASBench201Operation]) {
        precondition(operations.count == Self.edges.count, "a cell has six edges")
        self.operations = operations
    }

    /// The cell of a number below `count`: the edges' operations are its digits to the base five, the first edge's the
    /// highest. The benchmark's own files number cells otherwise.
    public init(number: Int) {
        precondition((0..<Self.count).contains(number), "a cell's number")
        var rest = number
        var operations: [NASBench201Operation] = []
        for _ in Self.edges {
            operations.insert(NASBench201Operation.allCases[rest % 5], at: 0)
            rest /= 5
        }
        self.init(operations)
    }

    /// The cell's number, as of `init(number:)`.
    public var number: Int {
        operations.reduce(0) { 5 * $0 + NASBench201Operation.allCases.firstIndex(of: $1)! }
    }

    /// The operations into a node after the first, by the node that they come from.
    public func operations(into node: Int) -> [NASBench201Operation] {
        zip(Self.edges, operations).filter { $0.0.to == node }.map(\.1)
    }
}

extension NASBench201Genotype: GenotypeRepresentable {
    public var description: String {
        (1...3).map { node in
            "|" + operations(into: node).enumerated().map { "\($1.rawValue)~\($0)|" }.joined()
        }.joined(separator: "+")
    }

    /// Reads the last cell of a text: by itself, quoted, or in a log.
    ///
    /// - Throws: `GenotypeError`, with line and column.
    public init(parsing text: String) throws {
        let characters = Array(text)
        func belongs(_ character: Character) -> Bool {
            character.isASCII && (character.isLetter || character.isNumber) || "_~|+".contains(character)
        }
        let runs = characters.indices.split { !belongs(characters[$0]) }
        guard
            let run = runs.last(where: { run in
                run.contains { characters[$0] == "~" } && run.contains { characters[$0] == "|" }
            })
        else {
            throw GenotypeError(
                "expected a cell such as '|nor_conv_3x3~0|+|none~0|skip_connect~1|+|…|', found none",
                isAbsent: true)
        }
        var position = run.lowerBound
        func fail(_ message: String) -> GenotypeError { GenotypeError(message, at: position, of: characters) }
        func read(_ expected: Character, _ place: String) throws {
            guard position < run.upperBound, characters[position] == expected else {
                let found = position < run.upperBound ? "'\(characters[position])'" : "the end"
                throw fail("\(found), expected '\(expected)' \(place)")
            }
            position += 1
        }
        var operations: [NASBench201Operation] = []
        for (from, to) in Self.edges {
            if from == 0 {
                if to > 1 { try read("+", "between the nodes") }
                try read("|", "before node \(to)'s edges")
            }
            let start = position
            while position < run.upperBound, !"~|+".contains(characters[position]) { position += 1 }
            let name = String(characters[start..<position])
            guard let operation = NASBench201Operation(rawValue: name) else {
                position = start
                throw fail(
                    "'\(name)' is no operation, expected one of "
                        + NASBench201Operation.allCases.map(\.rawValue).joined(separator: ", "))
            }
            operations.append(operation)
            try read("~", "and the number of a node after an operation")
            try read(Character("\(from)"), "for edge \(from) into node \(to)")
            try read("|", "behind an edge")
        }
        guard position == run.upperBound else { throw fail("more behind the cell, expected its end") }
        self.init(operations)
    }

    /// A picture of the cell.
    public var drawings: [GenotypeDrawing] {
        let label = ["in", "1", "2", "out"]
        let color = ["darkseagreen2", "lightblue", "lightblue", "palegoldenrod"]
        var lines = [
            "digraph cell {", "    rankdir=LR", "    bgcolor=white",
            "    node [style=\"filled,rounded\", shape=box, fontname=\"Helvetica\", fontsize=18, height=0.5]",
            "    edge [fontname=\"Helvetica\", fontsize=14, color=gray40]",
        ]
        lines += (0...3).map { "    \($0) [label=\"\(label[$0])\", fillcolor=\(color[$0])]" }
        lines += zip(Self.edges, operations).filter { $1 != .none }.map { edge, operation in
            "    \(edge.from) -> \(edge.to) [label=\"\(operation.rawValue)\"]"
        }
        return [GenotypeDrawing(name: "cell", dot: (lines + ["}"]).joined(separator: "\n") + "\n")]
    }
}
