import Glibc

/// A regular file, read from its beginning.
final class RegularFile {
    let path: String
    /// Its size in bytes when it was opened.
    let size: Int
    private let descriptor: Int32

    /// - Throws: `DatasetError` if it cannot be opened, or is a directory, a pipe or a device.
    init(_ path: String) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw Self.failure(path, "cannot be opened") }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            defer { close(descriptor) }
            throw Self.failure(path, "cannot be examined")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DatasetError(path, "not a regular file")
        }
        self.path = path
        self.descriptor = descriptor
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Fills the buffer as far as the file goes.
    ///
    /// - Returns: the number of bytes read: fewer than asked for only at the file's end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        var filled = 0
        while filled < buffer.count {
            let count = Glibc.read(descriptor, buffer.baseAddress! + filled, buffer.count - filled)
            if count == 0 { break }
            if count < 0 {
                if errno == EINTR { continue }
                throw Self.failure(path, "cannot be read")
            }
            filled += count
        }
        return filled
    }

    private static func failure(_ path: String, _ what: String) -> DatasetError {
        DatasetError(path, "\(what): \(String(cString: strerror(errno)))")
    }
}
