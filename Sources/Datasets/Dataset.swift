/// A set of labelled images of one size, held in memory or made on demand.
public protocol Dataset: Sendable {
    /// What people call it.
    var name: String { get }
    var height: Int { get }
    var width: Int { get }
    var channels: Int { get }
    /// One name for each class, in the order of the labels, all different.
    var classNames: [String] { get }
    /// The class of each image, in 0..<classNames.count.
    var labels: [Int32] { get }

    /// Copies an image's bytes, rows of pixels with interleaved channels (HWC); safe on any thread.
    ///
    /// - Throws: `DatasetError` if there is no such image, or the buffer has not `imageByteCount` elements.
    func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws

    /// Copies a part of an image, brought to the images' size: of the picture in the size it is kept in, which
    /// `region` is asked with; the image itself where it answers `nil`. By default the images are what is kept.
    ///
    /// - Throws: as `copyImage(_:into:)` does.
    func copyImage(
        _ index: Int, of region: (_ height: Int, _ width: Int) -> PixelRegion?,
        into buffer: UnsafeMutableBufferPointer<UInt8>) throws

    /// Whether an image must be decoded, or otherwise takes so long that several threads should make them; `false` by
    /// default.
    var isDecoded: Bool { get }
}

extension Dataset {
    public var isDecoded: Bool { false }

    public func copyImage(
        _ index: Int, of region: (_ height: Int, _ width: Int) -> PixelRegion?,
        into buffer: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        guard let region = region(height, width) else { return try copyImage(index, into: buffer) }
        try requireImage(index, fits: buffer)
        let whole = PixelImage(height: height, width: width, channels: channels, pixels: try image(index))
        whole.resize(region, height: height, width: width, into: buffer)
    }

    /// The number of images.
    public var count: Int { labels.count }

    /// How many images each class has, by label.
    public var classCounts: [Int] {
        labels.reduce(into: [Int](repeating: 0, count: classNames.count)) { $0[Int($1)] += 1 }
    }

    /// The bytes of one image: height · width · channels.
    public var imageByteCount: Int { height * width * channels }

    /// An image's bytes, HWC.
    ///
    /// - Throws: `DatasetError` if there is no such image.
    public func image(_ index: Int) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: imageByteCount) { buffer, initialized in
            try copyImage(index, into: UnsafeMutableBufferPointer(rebasing: buffer[..<imageByteCount]))
            initialized = imageByteCount
        }
    }

    /// Throws a `DatasetError` unless `copyImage` can be served.
    func requireImage(_ index: Int, fits buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        try require(labels.indices.contains(index), name, "no image \(index), expected one of 0..<\(count)")
        try require(
            buffer.count == imageByteCount, name,
            "a buffer of \(buffer.count) bytes for an image, expected \(imageByteCount)")
    }
}
