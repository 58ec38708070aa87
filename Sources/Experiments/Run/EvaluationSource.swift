import ErrataCore

/// What is to be evaluated: what a directory's search has found, what its evaluation trains, or one of a
/// file or a published name.
public struct EvaluationSource {
    public let experiment: Experiment
    public let genotype: any GenotypeRepresentable
    /// The search, where the genotype is one's.
    public let search: SearchResult?

    /// The genotype of a directory, and the spec it was run with.
    ///
    /// - Parameters:
    ///   - directory: of a search that has ended, or of an evaluation.
    ///   - experiment: from a spec's path.
    /// - Throws: `FileError` if there is no such run, or two files of it say different things.
    public init(_ directory: RunDirectory, experiment: (_ spec: String) throws -> Experiment) throws {
        let isSearched = exists(directory.result(of: .search))
        guard isSearched || directory.holds(.evaluation) else { throw directory.nothingFound }
        self.experiment = try experiment(directory.spec(of: isSearched ? .search : .evaluation))
        let space = self.experiment.searchSpace
        guard isSearched else {
            search = nil
            genotype = try space.readGenotype(directory.evaluatedGenotype())
            return
        }
        let found = try SearchResult(decoding: YAMLReader.read(file: directory.result(of: .search)))
        search = found
        genotype = try space.readGenotype(found.genotype)
        guard exists(directory.genotype) else { return }
        guard try GenotypeFile.read(directory.genotype, in: space).encoded == genotype.encoded else {
            throw FileError(
                directory.genotype,
                "is not what the search found, which \(directory.result(of: .search)) says: it was edited. To evaluate "
                    + "it, give a copy of it with --spec \(directory.spec(of: .search)) and another --output")
        }
    }

    /// - Parameters:
    ///   - source: the path of a genotype's file, or the name of one that the search space has published; a file goes
    ///     before a name.
    ///   - experiment: what it is evaluated by.
    /// - Throws: `FileError` if there is neither; what reading the file throws.
    public init(genotype source: String, of experiment: Experiment) throws {
        self.experiment = experiment
        genotype = try GenotypeFile.find(source, in: experiment.searchSpace)
        search = nil
    }
}

extension RunDirectory {
    fileprivate var nothingFound: FileError {
        guard holds(.search) else { return FileError(path, "holds no run") }
        let advice = "go on with it by 'errata search SPEC --output \(path) --resume'"
        return FileError(
            path,
            "the search has not ended: \(advice)"
                + (exists(genotype)
                    ? ", or evaluate a copy of \(genotype), the best so far, with --spec and another --output"
                    : ""))
    }

    fileprivate func evaluatedGenotype() throws -> ConfigurationValue {
        let result = result(of: .evaluation)
        if exists(result) { return try EvaluationResult(decoding: YAMLReader.read(file: result)).genotype }
        let checkpoint = checkpoints(of: .evaluation)
        guard checkpoint.exists else {
            throw FileError(
                path, "the evaluation has no checkpoint yet: begin it again as before, with --resume")
        }
        return try YAMLReader.read(checkpoint.read().text("genotype"), source: "\(checkpoint.path): genotype")
    }
}
