import ErrataCore
import Foundation

/// A directory that holds all that a run is. docs/checkpoints.md describes each file.
public struct RunDirectory: Sendable {
    public let path: String

    public init(_ path: String) {
        self.path = path.lastIndex { $0 != "/" }.map { String(path[...$0]) } ?? path
    }

    public var spec: String { "\(path)/spec.yaml" }
    public var lock: String { "\(path)/lock" }
    /// What the search found: the genotype of the epoch with the best validation accuracy.
    public var genotype: String { "\(path)/genotype.yaml" }

    /// A file of the search, by its path within `search/`.
    public func search(_ name: String) -> String { "\(path)/search/\(name)" }
    /// A file of the evaluation, by its path within `evaluation/`.
    public func evaluation(_ name: String) -> String { "\(path)/evaluation/\(name)" }

    public var searchCheckpoint: CheckpointStore { CheckpointStore(search("checkpoint.h5")) }
    public var evaluationCheckpoint: CheckpointStore { CheckpointStore(evaluation("checkpoint.h5")) }

    /// Makes the directory and those within it.
    ///
    /// - Throws: `FileError` if one cannot be made.
    func create(_ names: [String]) throws {
        for directory in [path] + names.map({ "\(path)/\($0)" }) { try Self.make(directory) }
    }

    /// Makes a directory, and those above it, where there is none.
    private static func make(_ directory: String) throws {
        var status = stat()
        guard stat(directory, &status) != 0 else {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw FileError(directory, "is no directory") }
            return
        }
        try make(Experiments.directory(of: directory))
        guard mkdir(directory, 0o777) == 0 || errno == EEXIST else {
            throw FileError.system(directory, "cannot be made")
        }
    }

    /// Deletes what writers that were killed have left. The directory's lock must be held.
    func removeLeftovers() {
        for path in [spec, genotype] { AtomicFile.removeLeftovers(of: path) }
        let folders = ["", "genotypes", "samples", "cells"].map { search($0) } + [evaluation("")]
        for folder in folders { AtomicFile.removeLeftovers(in: folder) }
    }

    /// Writes the resolved spec; if there is one, makes sure that it is the same.
    ///
    /// - Parameters:
    ///   - file: where a run of this directory has its spec.
    ///   - resuming: whether a spec may be there.
    /// - Throws: `FileError` if a run is there that is not to be resumed, or of another spec.
    func claim(_ file: String, for spec: ExperimentSpec, resuming: Bool) throws {
        let text = YAMLWriter.text(spec.encoded)
        guard access(file, F_OK) == 0 else { return try AtomicFile.write(text, to: file) }
        guard resuming else {
            throw FileError(path, "holds a run already: pass --resume to go on with it, or another --output")
        }
        let found = try YAMLReader.read(file: file)
        if let difference = specDifference(spec.encoded, found) {
            throw FileError(file, "the run was started with another spec: \(difference)")
        }
    }
}
