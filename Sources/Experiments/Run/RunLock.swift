import Foundation

/// Keeps two processes off one run: an advisory lock that the system lets go of when its holder ends.
public final class RunLock: Sendable {
    private let descriptor: Int32

    /// - Throws: `FileError` that names the process which has the lock.
    public init(_ path: String) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.system(path, "cannot be created") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            var buffer = [UInt8](repeating: 0, count: 128)
            let count = read(descriptor, &buffer, buffer.count)
            close(descriptor)
            guard reason == EWOULDBLOCK else {
                throw FileError(path, "cannot be locked: \(String(cString: strerror(reason)))")
            }
            let holder = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
                .trimmingCharacters(in: .whitespacesAndNewlines)
            throw FileError(
                path, "another process runs this experiment (\(holder.isEmpty ? "unknown" : holder))")
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

    deinit {
        // A process that is being started may hold the descriptor for a moment more.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
