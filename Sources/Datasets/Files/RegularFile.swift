import Glibc

/// A regular file, read from its beginning.
package final class RegularFile {
    package let path: String
    /// Its size in bytes when it was opened.
    package let size: Int
    private let descriptor: Int32

    /// - Throws: `FileError` if it cannot be opened, or is a directory, a pipe or a device.
    package init(_ path: String) throws(FileError) {
        // Not blocking, for a pipe would wait for its writer.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw .system(path, "cannot be opened") }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw FileError(path, "is no regular file")
        }
        self.path = path
        self.descriptor = descriptor
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills the buffer as far as the file goes.
    ///
    /// - Returns: the number of bytes read: fewer than asked for only at the file's end.
    /// - Throws: `FileError` if the system cannot read it.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(FileError) -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw .system(path, "cannot be read")
            }
            filled += count
        }
        return filled
    }

    /// The whole of a file.
    ///
    /// - Parameter checkingHeader: is given up to 512 bytes of the file's beginning, and the file's size, before
    ///   memory is taken for the whole.
    /// - Throws: `FileError`, or what `checkingHeader` throws.
    package static func contents(
        of path: String, checkingHeader: (_ header: [UInt8], _ size: Int) throws -> Void = { _, _ in }
    ) throws -> [UInt8] {
        let file = try RegularFile(path)
        try checkingHeader(try file.bytes(min(file.size, 512)), file.size)
        lseek(file.descriptor, 0, SEEK_SET)
        return try file.bytes(file.size)
    }

    private func bytes(_ count: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = try read(into: UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: count))
            guard filled == count else { throw FileError(path, "became shorter while it was read") }
        }
    }
}
