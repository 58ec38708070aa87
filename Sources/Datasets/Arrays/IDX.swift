extension NumericArray {
    private static let idxElements: [UInt8: Element] = [
        0x08: .uint8, 0x09: .int8, 0x0B: .int16, 0x0C: .int32, 0x0D: .float32, 0x0E: .float64,
    ]

    /// Reads a file in IDX, the format of MNIST, plain or gzip: two zero bytes, an element type, a rank, the extents as
    /// big-endian 32-bit integers, the elements in row-major order.
    ///
    /// Nothing is allocated on the word of a header: its claim is held against the file's size and `limit`
    /// first, and memory grows with the bytes that arrive.
    ///
    /// - Parameters:
    ///   - path: of the file, for messages.
    ///   - ranks: the ranks that are acceptable.
    ///   - limit: the most bytes that the elements may have; 4 GiB by default.
    /// - Throws: `FileError` if the file cannot be read, `DatasetError` if it is not IDX, has another rank, is empty,
    ///   larger than `limit`, shorter or longer than its header says, or fails its checksum.
    public init(idx path: String, ranks: ClosedRange<Int> = 1...4, limit: Int = 4 << 30) throws {
        let stream = try ByteStream(path)
        let magic = try stream.bytes(4, of: "IDX header")
        try require(
            magic[0] == 0 && magic[1] == 0, path,
            "begins with bytes \(magic[0]), \(magic[1]), expected 0, 0 as IDX files (or 31, 139 as gzip) do")
        guard let element = Self.idxElements[magic[2]] else {
            throw DatasetError(
                path, "the elements' type is \(magic[2]), expected 8 (unsigned byte), 9, 11, 12, 13 or 14")
        }
        let rank = Int(magic[3])
        try require(
            ranks.contains(rank), path,
            "the rank is \(rank), expected \(ranks.map(String.init).joined(separator: " or "))")
        let header = try stream.bytes(4 * rank, of: "IDX extents")
        let extents = (0..<rank).map { axis in
            header[4 * axis..<4 * axis + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        let count = try Self.byteCount(extents, element, name: path, limit: limit)
        let (shape, available) = (Self.text(extents), stream.maximumByteCount - 4 - header.count)
        try require(
            count <= available, path,
            "claims \(shape) elements of \(element), but a file of this size can hold \(available) bytes at most"
        )
        let bytes = try stream.bytes(count, of: "elements")
        try stream.requireEnd(after: "\(shape) elements that the header claims")
        try self.init(name: path, extents: extents, element, isBigEndian: true, bytes: bytes)
    }
}
