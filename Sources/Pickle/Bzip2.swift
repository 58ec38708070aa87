import CBzip2

/// The contents of bzip2 data.
public enum Bzip2 {
    /// - Parameters:
    ///   - bytes: the data, one stream after another.
    ///   - limit: of the contents, in bytes.
    /// - Throws: `PickleError` where the data are cut short or damaged, or the contents longer than the limit.
    public static func decompressed(_ bytes: [UInt8], limit: Int = 1 << 30) throws -> [UInt8] {
        var result: [UInt8] = []
        var position = 0
        repeat {
            var stream = bz_stream()
            guard BZ2_bzDecompressInit(&stream, 0, 0) == BZ_OK else {
                throw PickleError(position, "bzip2 cannot start")
            }
            defer { BZ2_bzDecompressEnd(&stream) }
            var buffer = [UInt8](repeating: 0, count: 1 << 16)
            var input = Array(bytes[position...])
            var status = BZ_OK
            try input.withUnsafeMutableBytes { input in
                stream.next_in = input.baseAddress?.assumingMemoryBound(to: CChar.self)
                stream.avail_in = UInt32(clamping: input.count)
                while status == BZ_OK {
                    let (size, left) = (buffer.count, stream.avail_in)
                    status = buffer.withUnsafeMutableBytes { output in
                        stream.next_out = output.baseAddress?.assumingMemoryBound(to: CChar.self)
                        stream.avail_out = UInt32(size)
                        return BZ2_bzDecompress(&stream)
                    }
                    result += buffer[..<(size - Int(stream.avail_out))]
                    guard result.count <= limit else {
                        throw PickleError(position, "more than \(limit) bytes of contents")
                    }
                    let isStuck = status == BZ_OK && stream.avail_in == left && Int(stream.avail_out) == size
                    guard !isStuck, status == BZ_OK || status == BZ_STREAM_END else {
                        throw PickleError(position, "damaged bzip2 data, or their end is missing")
                    }
                }
            }
            position = bytes.count - Int(stream.avail_in)
        } while position < bytes.count
        return result
    }
}
