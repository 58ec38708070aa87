/// An array of unsigned bytes from a file in IDX, the format of MNIST: two zero bytes, an element type, a rank,
/// the extents as big-endian 32-bit integers, the elements in row-major order.
public struct IDXArray: Sendable {
    public let extents: [Int]
    public let bytes: [UInt8]

    /// Reads a file, plain or gzip.
    ///
    /// Nothing is allocated on the word of a header: its claim is held against the file's size and `limit`
    /// first, and memory grows with the bytes that arrive.
    ///
    /// - Parameters:
    ///   - path: of the file, for messages.
    ///   - ranks: the ranks that are acceptable.
    ///   - limit: the most bytes that the elements may have; 4 GiB by default.
    /// - Throws: `FileError` if the file cannot be read, `DatasetError` if it is not IDX of unsigned bytes, has
    ///   another rank, is empty, larger than `limit`, shorter or longer than its header says, or fails its
    ///   checksum.
    public init(contentsOf path: String, ranks: ClosedRange<Int> = 1...4, limit: Int = 4 << 30) throws {
        let stream = try ByteStream(path)
        let magic = try stream.bytes(4, of: "IDX header")
        try require(
            magic[0] == 0 && magic[1] == 0, path,
            "begins with bytes \(magic[0]), \(magic[1]), expected 0, 0 as IDX files (or 31, 139 as gzip) do")
        try require(
            magic[2] == 0x08, path,
            "the elements' type is \(Self.typeName(magic[2])), expected 8 (unsigned byte)")
        let rank = Int(magic[3])
        try require(
            ranks.contains(rank), path,
            "the rank is \(rank), expected \(ranks.map(String.init).joined(separator: " or "))")
        let header = try stream.bytes(4 * rank, of: "IDX extents")
        let extents = (0..<rank).map { axis in
            header[4 * axis..<4 * axis + 4].reduce(0) { $0 << 8 | Int($1) }
        }
        let shape = extents.map(String.init).joined(separator: "×")
        let count = try extents.reduce(1) { product, extent in
            let (result, overflow) = product.multipliedReportingOverflow(by: extent)
            try require(
                !overflow && result <= limit, path, "claims \(shape) bytes, expected at most \(limit)")
            return result
        }
        try require(count > 0, path, "claims \(shape) bytes, expected at least one")
        let available = stream.maximumByteCount - 4 - header.count
        try require(
            count <= available, path,
            "claims \(shape) bytes, but a file of this size can hold \(available) at most")
        bytes = try stream.bytes(count, of: "elements")
        try stream.requireEnd(after: "\(shape) elements that the header claims")
        self.extents = extents
    }

    private static func typeName(_ code: UInt8) -> String {
        let names: [UInt8: String] = [
            0x09: "signed byte", 0x0B: "16-bit integer", 0x0C: "32-bit integer", 0x0D: "32-bit float",
            0x0E: "64-bit float",
        ]
        return "\(code) (\(names[code] ?? "unknown"))"
    }
}

extension ArrayDataset {
    /// Images and labels from a pair of IDX files.
    ///
    /// - Parameters:
    ///   - images: a file of [N, H, W] or [N, H, W, C] bytes, plain or gzip.
    ///   - labels: a file of [N] bytes, plain or gzip.
    ///   - classNames: one for each class, in the order of the labels.
    ///   - name: what people call it; the image file's path by default.
    /// - Throws: `FileError` or `DatasetError` if a file is unsound (see `IDXArray`), the counts differ, a label has
    ///   no name, or two classes have the same.
    public init(idxImages images: String, labels: String, classNames: [String], name: String? = nil) throws {
        try requireClassNames(classNames, of: name ?? images)
        let classes = try IDXArray(contentsOf: labels, ranks: 1...1).bytes.map(Int32.init)
        try requireLabels(classes, of: classNames.count, in: labels)
        let array = try IDXArray(contentsOf: images, ranks: 3...4)
        try require(
            array.extents[0] == classes.count, labels,
            "\(classes.count) labels, expected \(array.extents[0]), one for each image of \(images)")
        try self.init(
            name: name ?? images, height: array.extents[1], width: array.extents[2],
            channels: array.extents.count == 4 ? array.extents[3] : 1, classNames: classNames,
            labels: classes, pixels: array.bytes)
    }
}
