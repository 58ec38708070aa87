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

/// Writes all bytes to a file, pipe or terminal.
///
/// - Returns: whether that went well; if not, `errno` says why.
package func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var written = 0
    while written < bytes.count {
        let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
        if count < 0 {
            if errno == EINTR { continue }
            return false
        }
        written += count
    }
    return true
}

/// The directory that a path lies in: `.` for a name alone.
///
/// Foundation's `deletingLastPathComponent` crashes on names of one letter (6.3).
package func directory(of path: String) -> String {
    let end = path.lastIndex { $0 != "/" } ?? path.startIndex
    guard let slash = path[..<end].lastIndex(of: "/") else { return path.hasPrefix("/") ? "/" : "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Files that are there whole or not at all: written beside, flushed to disk, and renamed.
package enum AtomicFile {
    /// - Parameter beforeReplacing: called when the new file is on disk, before it takes the old one's place.
    /// - Throws: `FileError`, or what `beforeReplacing` throws; what was at the path before is then untouched,
    ///   unless the directory alone could not be flushed.
    package static func write(
        _ bytes: UnsafeRawBufferPointer, to path: String, beforeReplacing: () throws -> Void = {}
    ) throws {
        let temporary = "\(path).\(getpid()).part"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.system(temporary, "cannot be created") }
        var isOpen = true
        do {
            guard writeAll(bytes, to: descriptor) else { throw FileError.system(path, "cannot be written") }
            guard fsync(descriptor) == 0 else { throw FileError.system(path, "cannot be flushed to disk") }
            isOpen = false
            guard close(descriptor) == 0 else { throw FileError.system(path, "cannot be closed") }
            try beforeReplacing()
            guard rename(temporary, path) == 0 else { throw FileError.system(path, "cannot be put in place") }
        } catch {
            if isOpen { close(descriptor) }
            unlink(temporary)
            throw error
        }
        try flushDirectory(of: path)
    }

    package static func write(
        _ bytes: [UInt8], to path: String, beforeReplacing: () throws -> Void = {}
    ) throws {
        try bytes.withUnsafeBytes { try write($0, to: path, beforeReplacing: beforeReplacing) }
    }

    package static func write(_ text: String, to path: String) throws {
        try write(Array(text.utf8), to: path)
    }

    /// Makes a rename in a directory last.
    package static func flushDirectory(of path: String) throws {
        let directory = Experiments.directory(of: path)
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.system(directory, "cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw FileError.system(directory, "cannot be flushed to disk") }
    }

    /// Deletes what writers of a path that were killed have left beside it. Nobody may be writing to it.
    package static func removeLeftovers(of path: String) {
        let name = path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...]
        removeLeftovers(in: Experiments.directory(of: path), startingWith: "\(name).")
    }

    /// Deletes what writers that were killed have left in a directory. Nobody may be writing there.
    package static func removeLeftovers(in directory: String, startingWith prefix: String = "") {
        for file in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        where file.hasPrefix(prefix) && file.hasSuffix(".part") {
            unlink("\(directory)/\(file)")
        }
    }

    /// The whole of a regular file.
    ///
    /// - Parameter checkingHeader: is given up to 512 bytes of the file's beginning, and the file's size, before
    ///   memory is taken for the whole.
    /// - Throws: `FileError`, or what `checkingHeader` throws.
    package static func read(
        _ path: String, checkingHeader: (_ header: [UInt8], _ size: Int) throws -> Void = { _, _ in }
    ) throws -> [UInt8] {
        // Not blocking, for a pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileError.system(path, "cannot be opened") }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw FileError(path, "is no regular file")
        }
        let size = Int(status.st_size)
        try checkingHeader(try bytes(0..<min(size, 512), of: descriptor, path), size)
        return try bytes(0..<size, of: descriptor, path)
    }

    private static func bytes(_ range: Range<Int>, of descriptor: Int32, _ path: String) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < range.count {
                let found = pread(
                    descriptor, buffer.baseAddress! + count, range.count - count,
                    off_t(range.lowerBound + count))
                if found < 0 && errno == EINTR { continue }
                guard found >= 0 else { throw FileError.system(path, "cannot be read") }
                guard found > 0 else { throw FileError(path, "became shorter while it was read") }
                count += found
            }
        }
    }
}
