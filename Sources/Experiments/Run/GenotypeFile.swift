import ErrataCore

/// A file with a genotype, as YAML or in the form of DARTS's own code.
public enum GenotypeFile {
    /// - Throws: `FileError`, `GenotypeError` or `ConfigurationErrors` that say where what is wrong.
    public static func read(_ path: String) throws -> Genotype {
        let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
        let body = text.split(separator: "\n").first { !$0.allSatisfy(\.isWhitespace) && $0.first != "#" }
        guard let body, body.contains("Genotype") else {
            return try Genotype(decoding: YAMLReader.read(file: path))
        }
        do { return try Genotype(parsing: text) } catch { throw FileError(path, "\(error)") }
    }

    /// Writes it as YAML, the other form in a comment.
    public static func write(_ genotype: Genotype, to path: String) throws {
        try AtomicFile.write("# \(genotype)\n\(YAMLWriter.text(genotype.encoded))", to: path)
    }
}
