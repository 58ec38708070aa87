import CPNG

/// Decodes a PNG file by libpng.
struct PNGDecoder: PictureDecoder {
    private let file: ImageFile
    let size: (height: Int, width: Int)

    /// - Throws: `DatasetError` if the header is damaged.
    init(_ file: ImageFile) throws {
        self.file = file
        size = try Self.read(file) { (Int($0.pointee.height), Int($0.pointee.width)) }
    }

    /// The picture on white.
    func decoded(channels: Int, atLeast least: (height: Int, width: Int)) throws -> PixelImage {
        try file.requirePixels(size)
        let count = size.height * size.width
        let pixels = try Self.read(file) { image in
            try [UInt8](unsafeUninitializedCapacity: 4 * count) { buffer, filled in
                filled = 4 * count
                guard errata_png_finish(image, buffer.baseAddress) != 0 else {
                    throw Self.damage(file, image)
                }
            }
        }
        let result = [UInt8](unsafeUninitializedCapacity: count * channels) { buffer, filled in
            filled = count * channels
            for pixel in 0..<count {
                let alpha = pixels[4 * pixel + 3]
                func onWhite(_ channel: Int) -> UInt8 {
                    255 - product(255 - pixels[4 * pixel + channel], alpha)
                }
                if channels == 1 {
                    buffer[pixel] = luma(onWhite(0), onWhite(1), onWhite(2))
                } else {
                    for channel in 0..<3 { buffer[3 * pixel + channel] = onWhite(channel) }
                }
            }
        }
        return PixelImage(height: size.height, width: size.width, channels: channels, pixels: result)
    }

    /// Begins to read a file, whose bytes must stay where they are until that is done.
    private static func read<Result>(
        _ file: ImageFile, _ body: (UnsafeMutablePointer<png_image>) throws -> Result
    ) throws -> Result {
        try file.bytes.withUnsafeBytes { bytes in
            try withUnsafeTemporaryAllocation(of: png_image.self, capacity: 1) { image in
                let image = image.baseAddress!
                guard errata_png_begin(image, bytes.baseAddress, bytes.count) != 0 else {
                    throw damage(file, image)
                }
                defer { png_image_free(image) }
                return try body(image)
            }
        }
    }

    private static func damage(_ file: ImageFile, _ image: UnsafeMutablePointer<png_image>) -> DatasetError {
        file.damage(String(cString: errata_png_message(image)))
    }
}
