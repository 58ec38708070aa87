import ErrataCore

/// The cells of a genotype as Graphviz files, and as SVG where `dot` is installed.
public struct CellDrawing: Sendable {
    /// The paths of what was written.
    public private(set) var paths: [String] = []
    /// Why a cell has no SVG.
    public private(set) var warnings: [String] = []

    /// Writes `normal.dot` and `reduction.dot`, and `.svg` of each where that can be.
    ///
    /// - Throws: `FileError` if a DOT file cannot be written.
    public init(of genotype: Genotype, to directory: String) throws {
        for (name, cell) in [("normal", genotype.normal), ("reduction", genotype.reduction)] {
            let source = "\(directory)/\(name).dot"
            try AtomicFile.write(cell.graph(named: name), to: source)
            paths.append(source)
            let picture = "\(directory)/\(name).svg"
            if let warning = GraphvizDrawing.svg(of: source, to: picture) {
                warnings.append(warning)
            } else {
                paths.append(picture)
            }
        }
    }
}
