import CZlib

/// The contents of a gzip file (RFC 1952), inflated as they are read, their checksums verified.
final class GzipStream {
    /// Deflate never expands a byte to more than this many (zlib's "maximum compression factor").
    static let maximumExpansion = 1032

    private let file: RegularFile
    private let inflater: UnsafeMutablePointer<z_stream>
    private let input = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
    private var isAtEnd = false
    private var bytesRead: Int

    /// - Parameter prefix: the bytes at the file's start that were read before.
    init(_ file: RegularFile, prefix: UnsafeRawBufferPointer) throws {
        self.file = file
        inflater = .allocate(capacity: 1)
        inflater.initialize(to: z_stream())
        input.copyMemory(from: prefix)
        bytesRead = prefix.count
        inflater.pointee.next_in = input.baseAddress!.assumingMemoryBound(to: Bytef.self)
        inflater.pointee.avail_in = uInt(prefix.count)
        let gzipOnly = MAX_WBITS + 16
        let status = inflateInit2_(
            inflater, gzipOnly, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        try require(status == Z_OK, file.path, "zlib cannot start inflating (\(status))")
    }

    deinit {
        inflateEnd(inflater)
        inflater.deallocate()
        input.deallocate()
    }

    /// Fills the buffer as far as the contents go.
    ///
    /// - Returns: the number of bytes inflated: fewer than asked for only at the end of a sound file.
    /// - Throws: `DatasetError` if the file is truncated, corrupt, or followed by something else.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        inflater.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: Bytef.self)
        inflater.pointee.avail_out = uInt(buffer.count)
        while inflater.pointee.avail_out > 0 && !isAtEnd {
            try require(
                try hasInput(), file.path, "the gzip data end early, at byte \(offset): get the file anew")
            switch inflate(inflater, Z_NO_FLUSH) {
            case Z_OK: continue
            case Z_STREAM_END: try startNextMember()
            default:
                let problem = inflater.pointee.msg.map { String(cString: $0) } ?? "inflating fails"
                throw DatasetError(
                    file.path, "corrupt gzip data: \(problem), near byte \(offset): get the file anew")
            }
        }
        return buffer.count - Int(inflater.pointee.avail_out)
    }

    /// The bytes of the file that have been inflated.
    private var offset: Int { bytesRead - Int(inflater.pointee.avail_in) }

    /// A gzip file is a sequence of members, most often one.
    private func startNextMember() throws {
        guard try hasInput() else {
            isAtEnd = true
            return
        }
        try require(
            inflater.pointee.next_in.pointee == 0x1F, file.path,
            "something follows the gzip data, expected the file's end at byte \(offset)")
        inflateReset(inflater)
    }

    /// Whether there is a byte to inflate; reads more of the file if need be.
    private func hasInput() throws -> Bool {
        if inflater.pointee.avail_in == 0 {
            inflater.pointee.next_in = input.baseAddress!.assumingMemoryBound(to: Bytef.self)
            let count = try file.read(into: input)
            inflater.pointee.avail_in = uInt(count)
            bytesRead += count
        }
        return inflater.pointee.avail_in > 0
    }
}
