import ErrataCore
import Foundation

/// A directory that holds all that a run is. docs/checkpoints.md describes each file.
public struct RunDirectory: Sendable {
    public let path: String

    public init(_ path: String) { self.path = path }

    public var spec: String { "\(path)/spec.yaml" }
    public var lock: String { "\(path)/lock" }
    /// What the search found: the genotype of the epoch with the best validation accuracy.
    public var genotype: String { "\(path)/genotype.yaml" }

    public func search(_ name: String) -> String { "\(path)/search/\(name)" }
    public func evaluation(_ name: String) -> String { "\(path)/evaluation/\(name)" }

    public var searchCheckpoint: CheckpointStore { CheckpointStore(search("checkpoint.h5")) }
    public var evaluationCheckpoint: CheckpointStore { CheckpointStore(evaluation("checkpoint.h5")) }

    /// Makes the directory and those within it.
    ///
    /// - Throws: `FileError` if one cannot be made.
    func create(_ names: [String]) throws {
        for directory in [path] + names.map({ "\(path)/\($0)" }) {
            do {
                try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            } catch {
                throw FileError(directory, "cannot be made: \(error.localizedDescription)")
            }
        }
    }

    /// Writes the resolved spec; if there is one, makes sure that it is the same.
    ///
    /// - Parameter resuming: whether a spec may be there.
    /// - Throws: `FileError` if a run is there that is not to be resumed, or of another spec.
    func claim(for spec: ExperimentSpec, resuming: Bool) throws {
        let text = YAMLWriter.text(spec.encoded)
        guard access(self.spec, F_OK) == 0 else { return try AtomicFile.write(text, to: self.spec) }
        guard resuming else {
            throw FileError(path, "holds a run already: pass --resume to go on with it, or another --output")
        }
        let found = try YAMLReader.read(file: self.spec)
        if let difference = specDifference(spec.encoded, found) {
            throw FileError(self.spec, "the run was started with another spec: \(difference)")
        }
    }
}
