/// An image file's bytes: JPEG or PNG, whatever the file is called.
///
/// Grey images become colour ones where those are asked for, and colour ones grey by their luma (BT.601). Transparent
/// pixels lie on white. CMYK is taken to be inverted, as Adobe writes it. Samples of 16 bits become 8. An orientation
/// that EXIF gives is left alone, as ImageNet's readers do.
struct ImageFile {
    /// The most pixels that a file may have, whatever is decoded of them: a progressive JPEG is held in memory whole.
    static let limit = 1 << 27

    enum Format { case jpeg, png }

    let path: String
    let bytes: [UInt8]
    let format: Format

    /// - Throws: `FileError` if the file cannot be read; `DatasetError` if it is larger than 1 GiB, or neither JPEG
    ///   nor PNG.
    init(_ path: String) throws {
        let bytes = try RegularFile.contents(of: path) { header, size in
            try require(size <= 1 << 30, path, "has \(size) bytes, expected at most 1 GiB")
            _ = try Self.format(header, path)
        }
        try self.init(path, bytes)
    }

    init(_ path: String, _ bytes: [UInt8]) throws {
        self.path = path
        self.bytes = bytes
        format = try Self.format(bytes, path)
    }

    private static func format(_ header: [UInt8], _ path: String) throws -> Format {
        if header.starts(with: [0xFF, 0xD8, 0xFF]) { return .jpeg }
        if header.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) { return .png }
        throw DatasetError(
            path,
            header.isEmpty
                ? "is empty"
                : "begins neither as JPEG nor as PNG (bytes \(header.prefix(4).map(String.init).joined(separator: ", ")))"
        )
    }

    /// What decodes the file, which knows the picture's size.
    ///
    /// - Throws: `DatasetError` if the header is damaged.
    func decoder() throws -> any PictureDecoder {
        switch format {
        case .jpeg: try JPEGDecoder(self)
        case .png: try PNGDecoder(self)
        }
    }

    func requirePixels(_ size: (height: Int, width: Int)) throws {
        let (count, overflow) = size.height.multipliedReportingOverflow(by: size.width)
        guard !overflow, count > 0, count <= Self.limit else {
            throw DatasetError(
                path, "is of \(size.height)×\(size.width) pixels, expected at most \(Self.limit) in all")
        }
    }

    /// A damaged file, by what the library says of it.
    func damage(_ message: String) -> DatasetError {
        DatasetError(
            path, "damaged \(format == .jpeg ? "JPEG" : "PNG") file: \(message): get it anew, or leave it out"
        )
    }
}

/// Decodes one picture.
protocol PictureDecoder {
    var size: (height: Int, width: Int) { get }

    /// The picture, in so many channels.
    ///
    /// - Parameters:
    ///   - channels: 1 or 3.
    ///   - least: the least size that will do: JPEG is decoded at a fraction of its size where that is enough.
    /// - Throws: `DatasetError` if the file is damaged, cut short, or of too many pixels.
    func decoded(channels: Int, atLeast least: (height: Int, width: Int)) throws -> PixelImage
}
