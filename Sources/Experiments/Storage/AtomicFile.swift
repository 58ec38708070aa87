import Datasets
import Foundation

public typealias FileError = Datasets.FileError

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

/// The one path of a file that has no links in it; nil if there is no such file.
func canonicalPath(_ path: String) -> String? {
    guard let real = realpath(path, nil) else { return nil }
    defer { free(real) }
    return String(cString: real)
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

    /// Makes a rename in a directory last, where the file system can.
    package static func flushDirectory(of path: String) throws {
        let directory = Experiments.directory(of: path)
        let descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.system(directory, "cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 || isUnsupported(errno) else {
            throw FileError.system(directory, "cannot be flushed to disk")
        }
    }

    /// Whether an error says that a file system lacks what was asked for, such as links or locks.
    package static func isUnsupported(_ error: Int32) -> Bool {
        [EINVAL, ENOSYS, ENOTSUP, EOPNOTSUPP].contains(error)
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

    /// The whole of a regular file, as `RegularFile.contents`.
    package static func read(
        _ path: String, checkingHeader: (_ header: [UInt8], _ size: Int) throws -> Void = { _, _ in }
    ) throws -> [UInt8] {
        try RegularFile.contents(of: path, checkingHeader: checkingHeader)
    }
}
