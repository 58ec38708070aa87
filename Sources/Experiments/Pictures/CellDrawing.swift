import ErrataCore
import Foundation

/// The cells of a genotype as Graphviz files, and as SVG where `dot` is installed.
public enum CellDrawing {
    /// Writes `normal.dot` and `reduction.dot`, and `.svg` of each where that can be.
    ///
    /// - Returns: the paths of what was written.
    /// - Throws: `FileError` if a DOT file cannot be written.
    public static func write(_ genotype: Genotype, to directory: String) throws -> [String] {
        var paths: [String] = []
        for (name, cell) in [("normal", genotype.normal), ("reduction", genotype.reduction)] {
            let source = "\(directory)/\(name).dot"
            try AtomicFile.write(cell.graph(named: name), to: source)
            paths.append(source)
            let picture = "\(directory)/\(name).svg"
            if render(source, to: picture) { paths.append(picture) }
        }
        return paths
    }

    private static func render(_ source: String, to target: String) -> Bool {
        let directories = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        guard let tool = directories.map({ "\($0)/dot" as String }).first(where: { access($0, X_OK) == 0 })
        else {
            return false
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = ["-Tsvg", "-o", target, source]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
