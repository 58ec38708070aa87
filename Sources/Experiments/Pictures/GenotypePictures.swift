import ErrataCore

/// A genotype's drawings as Graphviz files, and as SVG where `dot` is installed.
public struct GenotypePictures: Sendable {
    /// The paths of what was written.
    public private(set) var paths: [String] = []
    /// Why something was not drawn, a line each: a picture is no reason to fail.
    public private(set) var warnings: [String] = []

    /// Writes `NAME.dot` of each drawing, and `NAME.svg` where that can be.
    public init(of drawings: [GenotypeDrawing], to directory: String) {
        for drawing in drawings {
            let source = "\(directory)/\(drawing.name).dot"
            do { try AtomicFile.write(drawing.dot, to: source) } catch {
                warnings.append("\(drawing.name) is not drawn: \(error)")
                continue
            }
            paths.append(source)
            let picture = "\(directory)/\(drawing.name).svg"
            if let warning = GraphvizDrawing.svg(of: source, to: picture) {
                warnings.append(warning)
            } else {
                paths.append(picture)
            }
        }
    }
}
