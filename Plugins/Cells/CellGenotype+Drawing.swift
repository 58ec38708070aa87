import ErrataCore

extension CellGenotype {
    /// A picture of each cell, called `normal` and `reduction`.
    public var drawings: [GenotypeDrawing] {
        [("normal", normal), ("reduction", reduction)].map { name, cell in
            GenotypeDrawing(name: name, dot: cell.graph(named: name))
        }
    }
}

extension CellGenotype.Cell {
    /// The cell as a graph in Graphviz's DOT language, inputs at the left.
    public func graph(named name: String) -> String {
        func state(_ index: Int) -> String {
            switch index {
            case 0: "c_{k-2}"
            case 1: "c_{k-1}"
            default: "\(index - 2)"
            }
        }
        func node(_ name: String, color: String, label: String) -> String {
            "    \"\(name)\" [label=<\(label)>, fillcolor=\(color)]"
        }
        var lines = [
            "digraph \(name) {",
            "    rankdir=LR",
            "    bgcolor=white",
            "    node [style=\"filled,rounded\", shape=box, fontname=\"Helvetica\", fontsize=18, height=0.5]",
            "    edge [fontname=\"Helvetica\", fontsize=14, color=gray40]",
            node("c_{k-2}", color: "darkseagreen2", label: "c<SUB>k−2</SUB>"),
            node("c_{k-1}", color: "darkseagreen2", label: "c<SUB>k−1</SUB>"),
        ]
        lines += nodes.indices.map { node("\($0)", color: "lightblue", label: "\($0)") }
        lines.append(node("c_{k}", color: "palegoldenrod", label: "c<SUB>k</SUB>"))
        lines += nodes.enumerated().flatMap { index, edges in
            edges.map { edge in
                "    \"\(state(edge.input))\" -> \"\(index)\" [label=\"\(escaped(edge.operation))\"]"
            }
        }
        lines += concatenation.map { "    \"\(state($0))\" -> \"c_{k}\" [style=dashed]" }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }
}

/// For a quoted text in DOT.
private func escaped(_ text: String) -> String {
    String(text.flatMap { $0 == "\"" || $0 == "\\" ? ["\\", $0] : [$0] })
}
