/// The bytes that a file holds, plainly or as gzip, whatever it is called.
final class ByteStream {
    private enum Source {
        /// The first bytes, which were read to tell, and the rest.
        case plain(prefix: [UInt8], RegularFile)
        case gzip(GzipStream)
    }

    let path: String
    let isCompressed: Bool
    /// The bytes there can be at most: exactly the file's size unless it is compressed.
    let maximumByteCount: Int
    private var source: Source

    /// - Throws: `FileError` if the file cannot be read.
    init(_ path: String) throws {
        self.path = path
        let file = try RegularFile(path)
        var prefix: [UInt8] = [0, 0]
        let filled = try prefix.withUnsafeMutableBytes { try file.read(into: $0) }
        prefix.removeLast(2 - filled)
        isCompressed = prefix == [0x1F, 0x8B]
        if isCompressed {
            let (bound, overflow) = file.size.multipliedReportingOverflow(by: GzipStream.maximumExpansion)
            maximumByteCount = overflow ? .max : bound
            source = .gzip(try prefix.withUnsafeBytes { try GzipStream(file, prefix: $0) })
        } else {
            maximumByteCount = file.size
            source = .plain(prefix: prefix, file)
        }
    }

    /// Fills the buffer as far as the contents go, and returns how many bytes that are.
    ///
    /// - Throws: `FileError` if the file cannot be read, `DatasetError` if its compressed data are unsound.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        switch source {
        case .gzip(let stream): return try stream.read(into: buffer)
        case .plain(let prefix, let file):
            let head = min(prefix.count, buffer.count)
            UnsafeMutableRawBufferPointer(rebasing: buffer[..<head]).copyBytes(from: prefix[..<head])
            source = .plain(prefix: Array(prefix[head...]), file)
            return try head + file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[head...]))
        }
    }

    /// The next `count` bytes, gathered as they come: memory is used for what the file holds, not for what
    /// somebody says that it holds.
    ///
    /// - Throws: `DatasetError` if there are fewer.
    func bytes(_ count: Int, of what: String) throws -> [UInt8] {
        var result: [UInt8] = []
        if !isCompressed { result.reserveCapacity(min(count, maximumByteCount)) }
        let piece = UnsafeMutableRawBufferPointer.allocate(byteCount: min(count, 1 << 20), alignment: 64)
        defer { piece.deallocate() }
        while result.count < count {
            let wanted = min(count - result.count, piece.count)
            let filled = try read(into: UnsafeMutableRawBufferPointer(rebasing: piece[..<wanted]))
            result.append(contentsOf: piece[..<filled])
            try require(
                filled == wanted, path, "ends after \(result.count) bytes of \(what), expected \(count)")
        }
        return result
    }

    /// - Throws: `DatasetError` unless everything has been read; only then is a checksum known to be right.
    func requireEnd(after what: String) throws {
        let rest = try withUnsafeTemporaryAllocation(byteCount: 1, alignment: 1) { try read(into: $0) }
        try require(rest == 0, path, "bytes follow the \(what), expected the file's end")
    }
}
