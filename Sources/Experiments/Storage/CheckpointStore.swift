import Foundation

/// The last two checkpoints of a run. At any moment, whatever is killed, one that was written whole is there.
public struct CheckpointStore: Sendable {
    public let path: String
    public var previousPath: String { "\(path).previous" }

    /// - Parameter path: of the latest checkpoint, such as `run/search/checkpoint.h5`.
    public init(_ path: String) { self.path = path }

    public var exists: Bool { access(path, F_OK) == 0 }

    /// - Throws: `FileError` if the disk is full or the like; the checkpoint before is then still there.
    public func write(_ archive: Archive) throws {
        let image = try VerifiedImage.make(archive)
        // A link, so that the latest stays in place until the new one replaces it.
        if exists {
            let spare = "\(previousPath).part"
            unlink(spare)
            guard link(path, spare) == 0, rename(spare, previousPath) == 0 else {
                throw FileError.system(previousPath, "cannot be put in place")
            }
        }
        try AtomicFile.write(image, to: path)
    }

    /// - Throws: `FileError` that says what is wrong with the file, and what to do.
    public func read() throws -> Archive {
        do {
            return try VerifiedImage.open(AtomicFile.read(path))
        } catch let error as ArchiveError {
            let fallback =
                access(previousPath, F_OK) == 0
                ? "; the checkpoint before it is \(previousPath): rename it to \(path) to go on from there"
                : ""
            throw FileError(path, "\(error)\(fallback)")
        }
    }
}
