import ErrataCore
import Foundation

/// A directory that holds all that a run is. docs/checkpoints.md describes each file.
public struct RunDirectory: Sendable {
    public let path: String

    public init(_ path: String) {
        self.path = path.lastIndex { $0 != "/" }.map { String(path[...$0]) } ?? path
    }

    public var lock: String { "\(path)/lock" }
    /// What the search found: the genotype of the epoch with the best validation accuracy.
    public var genotype: String { "\(path)/genotype.yaml" }

    /// A file of a run, by its path within the run's folder.
    public func file(_ name: String, of kind: RunKind) -> String { "\(path)/\(kind.rawValue)/\(name)" }

    /// The resolved spec of a run. The search's is the directory's.
    public func spec(of kind: RunKind) -> String {
        kind == .search ? "\(path)/spec.yaml" : file("spec.yaml", of: kind)
    }

    /// What the resolved spec begins with.
    static let specTitle = "# Written by Errata: the spec of a run, with every default.\n"

    /// The resolved spec, as a run writes it.
    static func text(of spec: ExperimentSpec) -> String { specTitle + YAMLWriter.text(spec.encoded) }

    /// What a run has come to; there once it has ended.
    public func result(of kind: RunKind) -> String { file("result.yaml", of: kind) }

    /// Whether a process is at a run here.
    public var isInUse: Bool { RunLock.isHeld(lock) }

    public func checkpoints(of kind: RunKind) -> CheckpointStore {
        CheckpointStore(file("checkpoint.h5", of: kind))
    }

    /// Whether a run has begun here: there is a checkpoint, a row of a table, or a result.
    func holds(_ kind: RunKind) -> Bool {
        checkpoints(of: kind).exists || exists(result(of: kind))
            || ["metrics.csv", "epochs.csv"].contains { hasRows(file($0, of: kind)) }
    }

    private func hasRows(_ path: String) -> Bool {
        guard let bytes = try? AtomicFile.read(path) else { return false }
        return bytes.count { $0 == UInt8(ascii: "\n") } > 1
    }
}

/// Whether there is something at a path.
func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
