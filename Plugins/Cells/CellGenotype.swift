import ErrataCore

/// A discrete architecture of cells: the normal and the reduction cell that a network is stacked from (Zoph et
/// al., 2018; Liu, Simonyan and Yang, 2019).
public struct CellGenotype: Sendable, Hashable {
    public var normal: Cell
    public var reduction: Cell

    public init(normal: Cell, reduction: Cell) {
        self.normal = normal
        self.reduction = reduction
    }

    public subscript(kind: CellKind) -> Cell { kind == .normal ? normal : reduction }

    /// A cell: nodes that each add up some edges, and the states whose concatenation is its output.
    public struct Cell: Sendable, Hashable {
        /// The edges into each node; two where a space is of DARTS's kind.
        public var nodes: [[Edge]]
        /// The states that are concatenated; 0 and 1 are the cell's inputs, 2 the first node.
        public var concatenation: [Int]

        /// - Parameters:
        ///   - nodes: for each node its edges.
        ///   - concatenation: all nodes by default.
        public init(nodes: [[Edge]], concatenation: [Int]? = nil) {
            self.nodes = nodes
            self.concatenation = concatenation ?? Array(2..<(2 + nodes.count))
        }

        /// A cell of two edges a node, node by node.
        public init(edges: [Edge], concatenation: [Int]? = nil) {
            self.init(
                nodes: stride(from: 0, to: edges.count, by: 2).map {
                    Array(edges[$0..<min($0 + 2, edges.count)])
                }, concatenation: concatenation)
        }

        /// All edges, node by node.
        public var edges: [Edge] { nodes.flatMap(\.self) }

        /// How many of them are skip connections.
        public var skips: Int { edges.count { $0.operation == CellOperation.skipConnect.name } }

        /// Whether every node has two edges, so that a list of edges alone says which are whose.
        var isPaired: Bool { nodes.allSatisfy { $0.count == 2 } }
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
        for kind in CellKind.allCases { try self[kind].validate(kind.rawValue, operations) }
    }
}

extension CellGenotype.Cell {
    fileprivate func validate(_ name: String, _ operations: [String]?) throws {
        guard !nodes.isEmpty else { throw GenotypeError("\(name) has no nodes, expected at least one") }
        var index = 0
        for (node, edges) in nodes.enumerated() {
            guard !edges.isEmpty else {
                throw GenotypeError("node \(node) of \(name) has no edges, expected at least one")
            }
            for edge in edges {
                defer { index += 1 }
                if let operations, !operations.contains(edge.operation) {
                    let meant = suggestion(for: edge.operation, among: operations)
                    throw GenotypeError(
                        "edge \(index) of \(name) is \(edge.operation.quotedForMessage), expected one of "
                            + operations.joined(separator: ", ")
                            + (meant.map { ": did you mean '\($0)'?" } ?? ""))
                }
                guard (0..<(2 + node)).contains(edge.input) else {
                    throw GenotypeError(
                        "edge \(index) of \(name) takes state \(edge.input), expected one of 0 to \(1 + node)"
                    )
                }
            }
        }
        guard !concatenation.isEmpty, Set(concatenation).count == concatenation.count,
            concatenation.allSatisfy({ (2..<(2 + nodes.count)).contains($0) })
        else {
            throw GenotypeError(
                "\(name)_concat is \(concatenation), expected different states of 2 to \(1 + nodes.count)")
        }
    }
}

/// Edges as they are written: all of a cell, two for each node, or a list for each node.
enum WrittenEdges: Sendable {
    case edge(CellGenotype.Edge)
    case node([CellGenotype.Edge])

    /// - Throws: `GenotypeError` if the edges fall into no nodes.
    static func nodes(_ written: [WrittenEdges], of name: String) throws -> [[CellGenotype.Edge]] {
        let nodes = written.compactMap { if case .node(let edges) = $0 { edges } else { nil } }
        guard nodes.isEmpty else {
            guard nodes.count == written.count else {
                throw GenotypeError("\(name) has edges beside lists of edges, expected either")
            }
            return nodes
        }
        guard written.count % 2 == 0 else {
            throw GenotypeError(
                "\(name) has \(written.count) edges, expected two for each node, or a list for each node")
        }
        let edges = written.compactMap { if case .edge(let edge) = $0 { edge } else { nil } }
        return CellGenotype.Cell(edges: edges).nodes
    }

    /// The shortest way to write a cell's edges.
    static func written(_ cell: CellGenotype.Cell) -> [WrittenEdges] {
        cell.isPaired ? cell.edges.map(Self.edge) : cell.nodes.map(Self.node)
    }
}
