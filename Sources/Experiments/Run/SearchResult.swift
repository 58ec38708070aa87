import ErrataCore
import Glibc

/// What a search has found: its `search/result.yaml`, which is there once the search has ended.
public struct SearchResult: Sendable, Hashable, Configuration {
    public var genotype = Genotype(normal: .init(edges: []), reduction: .init(edges: []))
    /// The epoch it is of, from 1, and its accuracy on D_val.
    public var epoch = 0
    public var accuracy = 0.0
    public var classNames: [String] = []
    /// The mean weight of each class over the last epoch; empty without learning from mistakes.
    public var classWeights: [Double] = []
    /// Paths within the run's directory.
    public var pictures: [String] = []

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("genotype", \.genotype, "of the epoch with the best validation accuracy"),
            .init("epoch", \.epoch, "that epoch, from 1"),
            .init("validation_accuracy", \.accuracy, "of that epoch"),
            .init("class_names", \.classNames, "the classes"),
            .init("class_weights", \.classWeights, "the mean weight of each over the last epoch"),
            .init("pictures", \.pictures, "paths within the run's directory"),
        ]
    }

    public func validate() throws { try genotype.validate() }
}

extension RunDirectory {
    /// What this directory's search has found.
    ///
    /// - Throws: `FileError` if the search has not ended, `ConfigurationErrors` if the file is damaged.
    public func searchResult() throws -> SearchResult {
        guard access(spec, F_OK) == 0 else { throw FileError(path, "holds no run") }
        guard access(resultOfSearch, F_OK) == 0 else {
            let advice = "go on with it by 'errata search SPEC --output \(path) --resume'"
            guard access(genotype, F_OK) == 0 else {
                throw FileError(path, "the search has not ended: \(advice)")
            }
            throw FileError(
                path,
                "the search has not ended: \(advice), or evaluate \(genotype), the best so far, with --spec and "
                    + "another --output")
        }
        return try SearchResult(decoding: YAMLReader.read(file: resultOfSearch))
    }

    var resultOfSearch: String { search("result.yaml") }
}
