import Datasets
import Foundation
import Synchronization

/// The last two checkpoints of a run. At any moment, whatever is killed, one that was written whole is there.
///
/// One process at a time may write; a `RunLock` sees to that.
public struct CheckpointStore: Sendable {
    public let path: String
    public var previousPath: String { "\(path).previous" }
    private let link: @Sendable (_ old: String, _ new: String) -> Int32
    private static let hasSaidThatItCopies = Atomic<Bool>(false)

    /// - Parameter path: of the latest checkpoint, such as `run/search/checkpoint.h5`.
    public init(_ path: String) { self.init(path) { Foundation.link($0, $1) } }

    /// - Parameter link: link(2).
    package init(_ path: String, link: @escaping @Sendable (_ old: String, _ new: String) -> Int32) {
        self.path = path
        self.link = link
    }

    /// Whether there is a checkpoint, be it only the one before the latest: such a run has begun.
    public var exists: Bool { Self.isThere(path) || Self.isThere(previousPath) }

    /// Writes the latest checkpoint; what was the latest becomes the one before.
    ///
    /// - Returns: a line to say, once in a process, if the file system has no hard links: the one before is then a
    ///   copy, which takes longer.
    /// - Throws: `ArchiveError` if HDF5 cannot hold the archive, `FileError` if the disk is full or the like; both
    ///   checkpoints are then still there.
    @discardableResult
    public func write(_ archive: Archive) throws -> String? {
        let image = try VerifiedImage.make(archive)
        AtomicFile.removeLeftovers(of: path)
        var copies = false
        try AtomicFile.write(image, to: path) {
            if Self.isThere(path) { copies = try !keepLatest() }
        }
        guard copies, !Self.hasSaidThatItCopies.exchange(true, ordering: .relaxed) else { return nil }
        return "\(path): its file system has no hard links, so that the checkpoint before each is copied"
    }

    /// Makes the latest checkpoint the one before too, so that it stays in place until a new one replaces it.
    ///
    /// - Returns: whether that took no more than a link.
    private func keepLatest() throws -> Bool {
        let spare = "\(previousPath).part"
        if link(path, spare) == 0 {
            guard rename(spare, previousPath) == 0 else {
                throw FileError.system(previousPath, "cannot be put in place")
            }
            // A rename of one link onto another of the same file leaves both: so it is where a process was killed
            // between this and the new checkpoint.
            unlink(spare)
            return true
        }
        guard errno == EPERM || errno == EMLINK || AtomicFile.isUnsupported(errno) else {
            throw FileError.system(previousPath, "cannot be put in place")
        }
        try AtomicFile.write(RegularFile.contents(of: path), to: previousPath)
        return false
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
