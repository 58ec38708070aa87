extension Genotype.Cell {
    /// The cell as a graph in Graphviz's DOT language, inputs at the left.
    public func graph(named name: String) -> String {
        func state(_ index: Int) -> String {
            switch index {
            case 0: "c_{k-2}"
            case 1: "c_{k-1}"
            default: "\(index - 2)"
            }
        }
        var lines = [
            "digraph \(name) {",
            "    rankdir=LR",
            "    bgcolor=white",
            "    node [style=filled, shape=box, fontname=\"Helvetica\", fontsize=18, margin=\"0.12,0.06\"]",
            "    edge [fontname=\"Helvetica\", fontsize=14, color=gray40]",
            "    \"c_{k-2}\" [fillcolor=darkseagreen2]",
            "    \"c_{k-1}\" [fillcolor=darkseagreen2]",
        ]
        lines += (0..<nodes).map { "    \"\($0)\" [fillcolor=lightblue]" }
        lines.append("    \"c_{k}\" [fillcolor=palegoldenrod]")
        lines += edges.enumerated().map { index, edge in
            "    \"\(state(edge.input))\" -> \"\(index / 2)\" [label=\"\(edge.operation)\"]"
        }
        lines += concatenation.map { "    \"\(state($0))\" -> \"c_{k}\" [style=dashed]" }
        return (lines + ["}"]).joined(separator: "\n") + "\n"
    }
}
