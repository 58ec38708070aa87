import Foundation

/// What went wrong with a file.
public struct FileError: Error, Hashable, CustomStringConvertible {
    public let path: String
    public let reason: String

    public init(_ path: String, _ reason: String) {
        self.path = path
        self.reason = reason
    }

    /// The reason the system gives for the last call's failure.
    package static func system(_ path: String, _ action: String) -> FileError {
        FileError(path, "\(action): \(String(cString: strerror(errno)))")
    }

    public var description: String { "\(path): \(reason)" }
}

/// Files that are there whole or not at all: written beside, flushed to disk, and renamed.
package enum AtomicFile {
    /// - Throws: `FileError`; what was at the path before is then untouched.
    package static func write(_ bytes: UnsafeRawBufferPointer, to path: String) throws {
        let temporary = "\(path).\(getpid()).part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.system(temporary, "cannot be created") }
        var isOpen = true
        do {
            var written = 0
            while written < bytes.count {
                let count = Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
                if count < 0 {
                    if errno == EINTR { continue }
                    throw FileError.system(path, "cannot be written")
                }
                written += count
            }
            guard fsync(descriptor) == 0 else { throw FileError.system(path, "cannot be flushed to disk") }
            isOpen = false
            guard close(descriptor) == 0 else { throw FileError.system(path, "cannot be closed") }
            guard rename(temporary, path) == 0 else { throw FileError.system(path, "cannot be put in place") }
        } catch {
            if isOpen { close(descriptor) }
            unlink(temporary)
            throw error
        }
        try flushDirectory(of: path)
    }

    package static func write(_ bytes: [UInt8], to path: String) throws {
        try bytes.withUnsafeBytes { try write($0, to: path) }
    }

    package static func write(_ text: String, to path: String) throws {
        try write(Array(text.utf8), to: path)
    }

    /// Makes a rename in a directory last.
    package static func flushDirectory(of path: String) throws {
        let directory = (path as NSString).deletingLastPathComponent
        let descriptor = open(directory.isEmpty ? "." : directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.system(directory, "cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError.system(directory, "cannot be flushed to disk") }
    }

    /// The whole of a regular file.
    package static func read(_ path: String) throws -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.system(path, "cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path, "is no regular file")
        }
        let size = Int(status.st_size)
        return try [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            while count < size {
                let found = Glibc.read(descriptor, buffer.baseAddress! + count, size - count)
                if found < 0 && errno == EINTR { continue }
                guard found >= 0 else { throw FileError.system(path, "cannot be read") }
                guard found > 0 else { throw FileError(path, "became shorter while it was read") }
                count += found
            }
        }
    }
}
