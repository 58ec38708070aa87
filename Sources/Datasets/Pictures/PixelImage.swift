/// An image of any size in memory: 8-bit samples, rows of pixels with interleaved channels (HWC).
public struct PixelImage: Sendable, Hashable {
    public let height: Int
    public let width: Int
    public let channels: Int
    public var pixels: [UInt8]

    /// - Parameters:
    ///   - height: pixels, at least 1.
    ///   - width: pixels, at least 1.
    ///   - channels: at least 1.
    ///   - pixels: height · width · channels samples.
    public init(height: Int, width: Int, channels: Int, pixels: [UInt8]) {
        precondition(min(height, width, channels) > 0 && pixels.count == height * width * channels)
        self.height = height
        self.width = width
        self.channels = channels
        self.pixels = pixels
    }
}

/// A rectangle of an image's pixels.
public struct PixelRegion: Sendable, Hashable {
    public var top: Int
    public var left: Int
    public var height: Int
    public var width: Int

    public init(top: Int, left: Int, height: Int, width: Int) {
        self.top = top
        self.left = left
        self.height = height
        self.width = width
    }

    /// The rectangle in an image of another size: rounded outwards, at least a pixel, and within it.
    func scaled(from size: (height: Int, width: Int), to other: (height: Int, width: Int)) -> PixelRegion {
        func scaled(_ start: Int, _ extent: Int, _ from: Int, _ to: Int) -> Range<Int> {
            let lower = min(start * to / from, to - 1)
            return lower..<max(lower + 1, min(((start + extent) * to + from - 1) / from, to))
        }
        let rows = scaled(top, height, size.height, other.height)
        let columns = scaled(left, width, size.width, other.width)
        return PixelRegion(
            top: rows.lowerBound, left: columns.lowerBound, height: rows.count, width: columns.count)
    }
}

/// Luma of ITU-R BT.601, in 16 bits of fraction.
@inline(__always)
func luma(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> UInt8 {
    let sum = 19595 * Int(red) + 38470 * Int(green) + 7471 * Int(blue)
    return UInt8((sum + 0x8000) >> 16)
}

/// a·b/255, rounded.
@inline(__always)
func product(_ a: UInt8, _ b: UInt8) -> UInt8 {
    let product = Int(a) * Int(b) + 128
    return UInt8(((product >> 8) + product) >> 8)
}
