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

extension ArrayDataset {
    /// Images and labels from arrays.
    ///
    /// - Parameters:
    ///   - images: [N, H, W] or [N, H, W, C].
    ///   - labels: [N] or [N, 1].
    ///   - classNames: one for each class, in the order of the labels; their numbers by default.
    ///   - name: what people call it; the images' by default.
    ///   - range: the numbers that are black and white, as `NumericArray.samples` has it.
    ///   - isChannelsFirst: whether images are [N, C, H, W].
    /// - Throws: `DatasetError` if the counts differ, a number is no sample or no label, a label has no name, or two
    ///   classes have the same.
    public init(
        images: NumericArray, labels: NumericArray, classNames: [String]? = nil, name: String? = nil,
        range: ClosedRange<Double>? = nil, isChannelsFirst: Bool = false
    ) throws {
        let classes = try labels.labels()
        let classNames = classNames ?? (0...classes.max()!).map(String.init)
        try requireClassNames(classNames, of: name ?? images.name)
        try requireLabels(classes, of: classNames.count, in: labels.name)
        let extents = images.extents
        try require(
            extents.count == 4 || extents.count == 3 && !isChannelsFirst, images.name,
            "is of \(NumericArray.text(extents)), expected images: "
                + (isChannelsFirst ? "N×C×H×W" : "N×H×W or N×H×W×C"))
        try require(
            extents[0] == classes.count, labels.name,
            "\(classes.count) labels, expected \(extents[0]), one for each image of \(images.name)")
        let (height, width, channels) =
            isChannelsFirst
            ? (extents[2], extents[3], extents[1])
            : (extents[1], extents[2], extents.count == 4 ? extents[3] : 1)
        let samples = try images.samples(range)
        try self.init(
            name: name ?? images.name, height: height, width: width, channels: channels,
            classNames: classNames, labels: classes,
            pixels: isChannelsFirst
                ? Self.interleaved(samples, channels: channels, plane: height * width) : samples)
    }

    /// Images and labels from a pair of IDX files.
    ///
    /// - Parameters:
    ///   - images: a file of [N, H, W] or [N, H, W, C] numbers, plain or gzip.
    ///   - labels: a file of [N] whole numbers, plain or gzip.
    ///   - classNames: one for each class, in the order of the labels.
    ///   - name: what people call it; the image file's path by default.
    ///   - range: the numbers that are black and white, as `NumericArray.samples` has it.
    /// - Throws: `FileError` or `DatasetError` if a file is unsound (see `NumericArray.init(idx:)`), or as
    ///   `init(images:labels:)` does.
    public init(
        idxImages images: String, labels: String, classNames: [String], name: String? = nil,
        range: ClosedRange<Double>? = nil
    ) throws {
        let labels = try NumericArray(idx: labels, ranks: 1...1)
        try self.init(
            images: NumericArray(idx: images, ranks: 3...4), labels: labels, classNames: classNames,
            name: name,
            range: range)
    }

    private static func interleaved(_ samples: [UInt8], channels: Int, plane: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: samples.count) { buffer, filled in
            filled = samples.count
            for image in stride(from: 0, to: samples.count, by: channels * plane) {
                for channel in 0..<channels {
                    for pixel in 0..<plane {
                        buffer[image + pixel * channels + channel] = samples[image + channel * plane + pixel]
                    }
                }
            }
        }
    }
}
