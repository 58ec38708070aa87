import ErrataCore

/// A file with a genotype, as YAML or in the search space's own text form.
public enum GenotypeFile {
    /// Reads a genotype however people have it: as YAML, or as text with whatever lies around it.
    ///
    /// - Throws: `FileError` or `ConfigurationErrors` that say where what is wrong.
    public static func read(_ path: String, in space: any SearchSpace) throws -> any GenotypeRepresentable {
        let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
        do {
            return try space.readGenotype(text, yaml: Result { try YAMLReader.read(text, source: path) })
        } catch let error as GenotypeError {
            throw FileError(path, error.description)
        }
    }

    /// Reads a genotype's file, or else takes the published one of that name.
    ///
    /// - Throws: what `read` throws; `FileError` if there is neither, with what is published.
    static func find(_ source: String, in space: any SearchSpace) throws -> any GenotypeRepresentable {
        try exists(source) ? read(source, in: space) : space.publishedGenotype(source)
    }

    /// Writes it as YAML, the text form in a comment.
    static func write(_ genotype: any GenotypeRepresentable, to path: String) throws {
        let comment = "\(genotype)".split(separator: "\n").map { "# \($0)\n" }.joined()
        try AtomicFile.write(comment + YAMLWriter.text(genotype.encoded), to: path)
    }
}

extension SearchSpace {
    fileprivate func publishedGenotype(_ name: String) throws -> any GenotypeRepresentable {
        let published = published
        if let found = published.first(where: { $0.name == name }) { return found.genotype }
        let names = published.map(\.name)
        guard !names.isEmpty else { throw FileError(name, "there is no such file") }
        let meant = suggestion(for: name, among: names).map { ", did you mean '\($0)'?" } ?? ""
        throw FileError(
            name,
            "there is no such file, and no published genotype of that name\(meant) (there are: "
                + "\(names.joined(separator: ", ")))")
    }
}
