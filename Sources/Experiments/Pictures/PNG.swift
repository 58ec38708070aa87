import CZlib

/// 8-bit grey or colour images as PNG files (ISO/IEC 15948).
public enum PNG {
    /// - Parameters:
    ///   - pixels: rows of pixels with `channels` (1 or 3) interleaved bytes each.
    ///   - width: pixels.
    ///   - height: pixels.
    ///   - channels: 1 for grey, 3 for RGB.
    public static func encode(_ pixels: [UInt8], width: Int, height: Int, channels: Int) -> [UInt8] {
        precondition(pixels.count == width * height * channels && (channels == 1 || channels == 3))
        var rows: [UInt8] = []
        rows.reserveCapacity(height * (width * channels + 1))
        for row in 0..<height {
            rows.append(0)  // no filter
            rows += pixels[(row * width * channels)..<((row + 1) * width * channels)]
        }
        var compressed = [UInt8](repeating: 0, count: Int(compressBound(uLong(rows.count))))
        var length = uLong(compressed.count)
        let status = compress2(&compressed, &length, rows, uLong(rows.count), 9)
        precondition(status == Z_OK, "zlib's bound is too small")
        let header = bigEndian(width) + bigEndian(height) + [8, channels == 1 ? 0 : 2, 0, 0, 0]
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + chunk("IHDR", header)
            + chunk("IDAT", Array(compressed.prefix(Int(length)))) + chunk("IEND", [])
    }

    private static func chunk(_ type: String, _ data: [UInt8]) -> [UInt8] {
        let body = Array(type.utf8) + data
        return bigEndian(data.count) + body + bigEndian(Int(crc32(0, body, uInt(body.count))))
    }

    private static func bigEndian(_ value: Int) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
    }
}
