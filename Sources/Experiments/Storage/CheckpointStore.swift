import Foundation

/// The last two checkpoints of a run. At any moment, whatever is killed, one that was written whole is there.
///
/// One process at a time may write; a `RunLock` sees to that.
public struct CheckpointStore: Sendable {
    public let path: String
    public var previousPath: String { "\(path).previous" }

    /// - Parameter path: of the latest checkpoint, such as `run/search/checkpoint.h5`.
    public init(_ path: String) { self.path = path }

    /// Whether there is a checkpoint, be it only the one before the latest: such a run has begun.
    public var exists: Bool { Self.isThere(path) || Self.isThere(previousPath) }

    /// Writes the latest checkpoint; what was the latest becomes the one before.
    ///
    /// - Throws: `ArchiveError` if HDF5 cannot hold the archive, `FileError` if the disk is full or the like; both
    ///   checkpoints are then still there.
    public func write(_ archive: Archive) throws {
        let image = try VerifiedImage.make(archive)
        AtomicFile.removeLeftovers(of: path)
        try AtomicFile.write(image, to: path) {
            guard Self.isThere(path) else { return }
            // A link, so that the latest stays in place until the new one replaces it.
            let spare = "\(previousPath).part"
            guard link(path, spare) == 0, rename(spare, previousPath) == 0 else {
                throw FileError.system(previousPath, "cannot be put in place")
            }
        }
    }

    /// Reads the latest checkpoint, never the one before.
    ///
    /// - Throws: `FileError` that says what is wrong with the file, and what to do.
    public func read() throws -> Archive {
        do {
            return try VerifiedImage.read(path)
        } catch let error as ArchiveError {
            throw FileError(path, "\(error)\(advice)")
        } catch let error as FileError {
            throw FileError(path, "\(error.reason)\(advice)")
        }
    }

    /// What to do about a latest checkpoint that cannot be read.
    private var advice: String {
        guard Self.isThere(previousPath) else { return "; there is no checkpoint before it" }
        do {
            _ = try VerifiedImage.read(previousPath)
            return
                "; the checkpoint before it, \(previousPath), is sound: rename it to \(path) to go on from there"
        } catch {
            return "; the checkpoint before it, \(previousPath), cannot be read either: \(error)"
        }
    }

    private static func isThere(_ path: String) -> Bool { access(path, F_OK) == 0 }
}
