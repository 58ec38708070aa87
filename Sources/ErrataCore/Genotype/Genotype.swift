/// A discrete architecture: the normal and the reduction cell that a network is stacked from.
public struct Genotype: Sendable, Hashable {
    public var normal: Cell
    public var reduction: Cell

    public init(normal: Cell, reduction: Cell) {
        self.normal = normal
        self.reduction = reduction
    }

    /// A cell: nodes that each add up two edges, and the states whose concatenation is its output.
    public struct Cell: Sendable, Hashable {
        /// Two for each node, node by node.
        public var edges: [Edge]
        /// The states that are concatenated; 0 and 1 are the cell's inputs, 2 the first node.
        public var concatenation: [Int]

        /// - Parameter concatenation: all nodes by default.
        public init(edges: [Edge], concatenation: [Int]? = nil) {
            self.edges = edges
            self.concatenation = concatenation ?? Array(2..<(2 + edges.count / 2))
        }

        public var nodes: Int { edges.count / 2 }
    }

    /// An operation applied to a state: 0 and 1 are the cell's inputs, 2 the first node.
    public struct Edge: Sendable, Hashable {
        public var operation: String
        public var input: Int

        public init(_ operation: String, _ input: Int) {
            self.operation = operation
            self.input = input
        }
    }

    /// - Parameter operations: the names that may occur; nil for any.
    /// - Throws: `GenotypeError` if a cell is malformed or names another operation.
    public func validate(operations: [String]? = nil) throws {
        try normal.validate("normal", operations)
        try reduction.validate("reduce", operations)
    }
}

/// What is wrong with a genotype, or with its text.
public struct GenotypeError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = "genotype: \(description)" }
}

extension Genotype.Cell {
    fileprivate func validate(_ name: String, _ operations: [String]?) throws {
        guard !edges.isEmpty, edges.count % 2 == 0 else {
            throw GenotypeError("\(name) has \(edges.count) edges, expected two for each node")
        }
        for (index, edge) in edges.enumerated() {
            let state = 2 + index / 2
            if let operations, !operations.contains(edge.operation) {
                throw GenotypeError(
                    "edge \(index) of \(name) is \(edge.operation.quotedForMessage), expected one of "
                        + operations.joined(separator: ", "))
            }
            guard (0..<state).contains(edge.input) else {
                throw GenotypeError(
                    "edge \(index) of \(name) takes state \(edge.input), expected one of 0 to \(state - 1)")
            }
        }
        guard !concatenation.isEmpty, Set(concatenation).count == concatenation.count,
            concatenation.allSatisfy({ (2..<(2 + nodes)).contains($0) })
        else {
            throw GenotypeError(
                "\(name)_concat is \(concatenation), expected different states of 2 to \(1 + nodes)")
        }
    }
}
