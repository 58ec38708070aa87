/// Labelled images in memory.
public struct ArrayDataset: Dataset {
    public let name: String
    public let height: Int
    public let width: Int
    public let channels: Int
    public let classNames: [String]
    public let labels: [Int32]
    private let pixels: [UInt8]

    /// - Parameters:
    ///   - name: what people call it.
    ///   - height: pixels.
    ///   - width: pixels.
    ///   - channels: 1 for grey, 3 for colour.
    ///   - classNames: one for each class, in the order of the labels.
    ///   - labels: the class of each image.
    ///   - pixels: [N, H, W, C], row by row.
    /// - Throws: `DatasetError` if the pixels are not those of as many images as there are labels, a label has no
    ///   name, or two classes have the same.
    public init(
        name: String, height: Int, width: Int, channels: Int, classNames: [String], labels: [Int32],
        pixels: [UInt8]
    ) throws {
        try requireClassNames(classNames, of: name)
        try requireLabels(labels, of: classNames.count, in: name)
        let sides = 1...(1 << 20)
        try require(
            sides.contains(height) && sides.contains(width) && sides.contains(channels)
                && pixels.count == labels.count * height * width * channels, name,
            "\(pixels.count) bytes, expected \(labels.count) images of \(height)×\(width)×\(channels)")
        self.name = name
        self.height = height
        self.width = width
        self.channels = channels
        self.classNames = classNames
        self.labels = labels
        self.pixels = pixels
    }

    public func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        try requireImage(index, fits: buffer)
        let start = index * imageByteCount
        pixels.withUnsafeBufferPointer {
            _ = buffer.update(fromContentsOf: $0[start..<start + imageByteCount])
        }
    }
}

/// Throws a `DatasetError` unless every label is one of the classes'.
func requireLabels(_ labels: [Int32], of classes: Int, in subject: String) throws {
    guard let stranger = labels.firstIndex(where: { !(0..<Int32(classes)).contains($0) }) else { return }
    let beginAtOne = !labels.contains(0) && labels.max()! == Int32(classes)
    throw DatasetError(
        subject,
        "label \(labels[stranger]) of image \(stranger), expected one below the \(classes) classes"
            + (beginAtOne ? "; no label is 0: do they begin at 1?" : ""))
}
