extension PixelImage {
    /// A rectangle of the image, brought to another size.
    ///
    /// Each pixel is a mean under a triangle as wide as the pixel is in the image, but no narrower than two of the
    /// image's pixels: bilinear interpolation where it grows, antialiased where it shrinks. Rows first, then columns,
    /// each rounded to 8 bits: to the bit what Pillow's `resize` with `BILINEAR` does, where it does rows first.
    ///
    /// - Parameters:
    ///   - region: within the image.
    ///   - height: pixels.
    ///   - width: pixels.
    public func resized(_ region: PixelRegion, height: Int, width: Int) -> PixelImage {
        let pixels = [UInt8](unsafeUninitializedCapacity: height * width * channels) { buffer, filled in
            filled = height * width * channels
            resize(
                region, height: height, width: width,
                into: UnsafeMutableBufferPointer(rebasing: buffer[..<filled]))
        }
        return PixelImage(height: height, width: width, channels: channels, pixels: pixels)
    }

    /// A rectangle of the image, brought to another size in a buffer of height · width · channels samples.
    func resize(
        _ region: PixelRegion, height: Int, width: Int, into buffer: UnsafeMutableBufferPointer<UInt8>
    ) {
        precondition(
            region.top >= 0 && region.left >= 0 && region.height > 0 && region.width > 0
                && region.top + region.height <= self.height && region.left + region.width <= self.width)
        let row = width * channels
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: region.height * row) { narrowed in
            pixels.withUnsafeBufferPointer { pixels in
                let weights = TriangleWeights(from: region.width, to: width)
                for y in 0..<region.height {
                    let start = ((region.top + y) * self.width + region.left) * channels
                    weights.narrow(
                        pixels.baseAddress! + start, channels: channels, into: narrowed.baseAddress! + y * row
                    )
                }
            }
            TriangleWeights(from: region.height, to: height).narrowColumns(
                narrowed.baseAddress!, row: row, into: buffer.baseAddress!)
        }
    }
}

/// How much each sample along an axis counts for each of fewer or more samples.
private struct TriangleWeights {
    /// Bits of fraction.
    private static let precision: Int32 = 22
    private static let half: Int32 = 1 << (precision - 1)

    private let count: Int
    private let isIdentity: Bool
    /// For each sample the first that counts, and how many do.
    private var starts: [Int] = []
    private var counts: [Int] = []
    /// So many for each sample.
    private let taps: Int
    private var weights: [Int32] = []

    init(from extent: Int, to count: Int) {
        self.count = count
        isIdentity = extent == count
        let scale = Double(extent) / Double(count)
        let support = max(scale, 1)
        taps = Int(support.rounded(.up)) * 2 + 1
        weights.reserveCapacity(count * taps)
        for sample in 0..<count {
            let center = (Double(sample) + 0.5) * scale
            let first = max(Int(center - support + 0.5), 0)
            let last = min(Int(center + support + 0.5), extent)
            let raw = (first..<last).map { max(1 - abs((Double($0) - center + 0.5) * (1 / support)), 0) }
            let sum = raw.reduce(0, +)
            starts.append(first)
            counts.append(raw.count)
            weights += raw.map { Int32($0 / sum * Double(1 << Self.precision) + 0.5) }
            weights += repeatElement(0, count: taps - raw.count)
        }
    }

    /// A row of pixels, brought to the width.
    func narrow(_ source: UnsafePointer<UInt8>, channels: Int, into target: UnsafeMutablePointer<UInt8>) {
        if isIdentity { return target.update(from: source, count: count * channels) }
        weights.withUnsafeBufferPointer { weights in
            for sample in 0..<count {
                let first = source + starts[sample] * channels
                let weight = weights.baseAddress! + sample * taps
                if channels == 3 {
                    var (red, green, blue) = (Self.half, Self.half, Self.half)
                    for tap in 0..<counts[sample] {
                        red &+= Int32(first[3 * tap]) &* weight[tap]
                        green &+= Int32(first[3 * tap + 1]) &* weight[tap]
                        blue &+= Int32(first[3 * tap + 2]) &* weight[tap]
                    }
                    target[3 * sample] = Self.byte(red)
                    target[3 * sample + 1] = Self.byte(green)
                    target[3 * sample + 2] = Self.byte(blue)
                } else {
                    for channel in 0..<channels {
                        var sum = Self.half
                        for tap in 0..<counts[sample] {
                            sum &+= Int32(first[channels * tap + channel]) &* weight[tap]
                        }
                        target[channels * sample + channel] = Self.byte(sum)
                    }
                }
            }
        }
    }

    /// Rows of so many samples, brought to the height.
    func narrowColumns(_ source: UnsafePointer<UInt8>, row: Int, into target: UnsafeMutablePointer<UInt8>) {
        if isIdentity { return target.update(from: source, count: count * row) }
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: row) { sums in
            let sums = sums.baseAddress!
            for sample in 0..<count {
                sums.update(repeating: Self.half, count: row)
                for tap in 0..<counts[sample] {
                    let weight = weights[sample * taps + tap]
                    let line = source + (starts[sample] + tap) * row
                    for index in 0..<row { sums[index] &+= Int32(line[index]) &* weight }
                }
                let line = target + sample * row
                for index in 0..<row { line[index] = Self.byte(sums[index]) }
            }
        }
    }

    @inline(__always)
    private static func byte(_ sum: Int32) -> UInt8 {
        UInt8(truncatingIfNeeded: min(max(sum >> precision, 0), 255))
    }
}
