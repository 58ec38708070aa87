/// A data set whose images have a border of black pixels: Fashion-MNIST's 28×28 become 32×32 with padding 2.
public struct PaddedDataset: Dataset {
    private let base: any Dataset
    public let padding: Int

    /// - Parameters:
    ///   - base: what is padded.
    ///   - padding: pixels added on each side, at most 1024.
    /// - Throws: `DatasetError` if `padding` is out of range.
    public init(_ base: any Dataset, padding: Int) throws {
        try require((0...1024).contains(padding), base.name, "padding \(padding), expected 0...1024")
        self.base = base
        self.padding = padding
    }

    public var name: String { base.name }
    public var height: Int { base.height + 2 * padding }
    public var width: Int { base.width + 2 * padding }
    public var channels: Int { base.channels }
    public var classNames: [String] { base.classNames }
    public var labels: [Int32] { base.labels }
    public var isDecoded: Bool { base.isDecoded }

    public func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        try requireImage(index, fits: buffer)
        buffer.update(repeating: 0)
        let inner = base.width * channels
        try withUnsafeTemporaryAllocation(of: UInt8.self, capacity: base.imageByteCount) { image in
            try base.copyImage(index, into: image)
            for row in 0..<base.height {
                let start = ((row + padding) * width + padding) * channels
                _ = buffer[start..<start + inner].update(
                    fromContentsOf: image[row * inner..<(row + 1) * inner])
            }
        }
    }
}
