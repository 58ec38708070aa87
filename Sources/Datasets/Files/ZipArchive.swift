import CZlib

/// The files in a zip archive (PKWARE's APPNOTE), stored or deflated, their lengths and checksums verified.
struct ZipArchive {
    private struct Member {
        let method: Int
        let checksum: UInt32
        let compressed: Int
        let size: Int
        let header: Int
    }

    let path: String
    private let bytes: [UInt8]
    private var members: [String: Member] = [:]

    /// - Throws: `DatasetError` if it is no whole zip archive.
    init(_ path: String, _ bytes: [UInt8]) throws {
        self.path = path
        self.bytes = bytes
        // The archive's end: 22 bytes, after which there may be a comment of up to 65,535.
        let last = bytes.count - 22
        guard
            let end = stride(from: last, through: max(0, last - 65_535), by: -1).first(where: {
                number($0, 4) == 0x0605_4B50
            })
        else { throw DatasetError(path, "has no zip directory at its end: cut short? Get it anew") }
        var (count, start) = (number(end + 10, 2), number(end + 16, 4))
        if end >= 20, number(end - 20, 4) == 0x0706_4B50 {
            let wide = number(end - 12, 8)
            try require(
                number(wide, 4) == 0x0606_4B50, path, "byte \(end - 12): no zip64 directory at \(wide)")
            (count, start) = (number(wide + 32, 8), number(wide + 48, 8))
        }
        for _ in 0..<max(count, 0) {
            try require(number(start, 4) == 0x0201_4B50, path, "byte \(start): no entry of the zip directory")
            let (name, extra, comment) = (number(start + 28, 2), number(start + 30, 2), number(start + 32, 2))
            try require(
                start + 46 + name + extra <= bytes.count, path, "byte \(start): a zip entry beyond the end")
            var sizes = [number(start + 24, 4), number(start + 20, 4), number(start + 42, 4)]
            // Those too large for 32 bits follow in a field of their own.
            var field = start + 46 + name
            while field + 4 <= start + 46 + name + extra {
                if number(field, 2) == 1 {
                    var place = field + 4
                    for index in sizes.indices where sizes[index] == 0xFFFF_FFFF {
                        sizes[index] = number(place, 8)
                        place += 8
                    }
                }
                field += 4 + number(field + 2, 2)
            }
            try require(sizes.min()! >= 0, path, "byte \(start): a zip entry of a negative length")
            members[String(decoding: bytes[start + 46..<start + 46 + name], as: UTF8.self)] = Member(
                method: number(start + 10, 2), checksum: UInt32(number(start + 16, 4)), compressed: sizes[1],
                size: sizes[0], header: sizes[2])
            start += 46 + name + extra + comment
        }
    }

    var names: [String] { members.keys.sorted() }

    /// A file's contents.
    ///
    /// - Throws: `DatasetError` if there is none of this name, it is packed otherwise, or damaged.
    func contents(of name: String) throws -> [UInt8] {
        guard let member = members[name] else {
            throw DatasetError(path, "has no '\(name)' (there are: \(names.joined(separator: ", ")))")
        }
        try require(
            number(member.header, 4) == 0x0403_4B50, path, "byte \(member.header): no zip header of \(name)")
        let start = member.header + 30 + number(member.header + 26, 2) + number(member.header + 28, 2)
        let (end, overflow) = start.addingReportingOverflow(member.compressed)
        try require(
            !overflow && end <= bytes.count, path,
            "byte \(start): \(name) has \(member.compressed) bytes, which reach beyond the end; get it anew")
        let contents: [UInt8]
        switch member.method {
        case 0:
            try require(
                member.size == member.compressed, path, "byte \(member.header): \(name) has two lengths")
            contents = Array(bytes[start..<end])
        case 8: contents = try inflated(start..<end, to: member.size, name)
        default:
            throw DatasetError(
                path, "\(name) is packed by method \(member.method), expected 0 (stored) or 8 (deflated)")
        }
        let checksum = contents.withUnsafeBufferPointer {
            UInt32(crc32_z(0, $0.baseAddress, $0.count))
        }
        try require(checksum == member.checksum, path, "\(name) fails its checksum; get it anew")
        return contents
    }

    private func inflated(_ range: Range<Int>, to size: Int, _ name: String) throws -> [UInt8] {
        try require(
            size / GzipStream.maximumExpansion <= range.count, path,
            "\(name) claims \(size) bytes, more than \(range.count) can inflate to")
        try require(
            max(size, range.count) <= Int(UInt32.max), path, "\(name) is larger than 4 GiB: save it unpacked")
        return try [UInt8](unsafeUninitializedCapacity: size) { output, filled in
            var stream = z_stream()
            let raw = -MAX_WBITS
            inflateInit2_(&stream, raw, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            defer { inflateEnd(&stream) }
            let status = bytes.withUnsafeBufferPointer { bytes in
                stream.next_in = UnsafeMutablePointer(mutating: bytes.baseAddress! + range.lowerBound)
                stream.avail_in = uInt(range.count)
                stream.next_out = output.baseAddress
                stream.avail_out = uInt(size)
                return inflate(&stream, Z_FINISH)
            }
            try require(
                status == Z_STREAM_END && stream.total_out == size, path,
                "byte \(range.lowerBound): \(name) does not inflate to its \(size) bytes; get it anew")
            filled = size
        }
    }

    /// A little-endian number; −1 where the archive does not reach so far.
    private func number(_ start: Int, _ length: Int) -> Int {
        guard start >= 0, start <= bytes.count - length else { return -1 }
        return bytes[start..<start + length].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
}
