import Foundation

/// Keeps two processes off one run: an advisory lock that the system lets go of when its holder ends.
public final class RunLock: Sendable {
    private let descriptor: Int32

    /// Whether the environment asks for a lock: `ERRATA_NO_LOCK` is not set, or empty or 0.
    public static var isWanted: Bool {
        ["", "0"].contains(ProcessInfo.processInfo.environment["ERRATA_NO_LOCK"] ?? "")
    }

    /// - Parameters:
    ///   - path: of the lock's file.
    ///   - locking: whether to lock the file, or only to say in it which process runs.
    /// - Throws: `RunInUseError` if another process has the lock, `FileError` that says what to do where there are none.
    public convenience init(_ path: String, locking: Bool = isWanted) throws {
        try self.init(path, locking: locking) { flock($0, $1) }
    }

    /// - Parameter flock: flock(2).
    package init(
        _ path: String, locking: Bool, flock: (_ descriptor: Int32, _ operation: Int32) -> Int32
    ) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.system(path, "cannot be created") }
        guard !locking || flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            var buffer = [UInt8](repeating: 0, count: 128)
            let count = read(descriptor, &buffer, buffer.count)
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                let advice =
                    reason == ENOLCK || AtomicFile.isUnsupported(reason)
                    ? ": this file system has no locks. Where no other process uses the run, set ERRATA_NO_LOCK=1"
                    : ""
                throw FileError(path, "cannot be locked: \(String(cString: strerror(reason)))\(advice)")
            }
            let holder = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            throw RunInUseError(lock: path, holder: holder.isEmpty ? "unknown" : holder)
        }
        self.descriptor = descriptor
        let holder = Array("process \(getpid()) on \(ProcessInfo.processInfo.hostName)\n".utf8)
        guard ftruncate(descriptor, 0) == 0, pwrite(descriptor, holder, holder.count, 0) == holder.count
        else {
            let error = FileError.system(path, "cannot be written")
            close(descriptor)
            throw error
        }
    }

    /// Whether a process has the lock of a path.
    static func isHeld(_ path: String) -> Bool {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }

    deinit {
        // A process that is being started may hold the descriptor for a moment more.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// Another process has the lock of a run.
public struct RunInUseError: Error, Hashable, CustomStringConvertible {
    /// The lock's path.
    public let lock: String
    /// The process and its host.
    public let holder: String

    public var description: String { "\(lock): another process runs this experiment (\(holder))" }
}
