/// Labelled image files, JPEG or PNG, of any sizes, that are decoded when they are asked for.
public struct PictureDataset: Dataset {
    public let name: String
    public let files: LabelledFiles
    public let fit: PictureFit
    public let channels: Int
    /// Whether JPEG is decoded at a fraction of its size where that suffices, which is faster and changes pixels a little.
    public let scalesDecoding: Bool

    /// - Parameters:
    ///   - name: what people call it.
    ///   - files: the images' files and labels.
    ///   - fit: how they become images of one size.
    ///   - channels: 1 or 3; see the file's own for how others become these.
    ///   - scalesDecoding: whether JPEG may be decoded at a fraction of its size.
    /// - Throws: `DatasetError` if a size or the channels are out of range, or the classes' names are not right.
    public init(
        name: String, files: LabelledFiles, fit: PictureFit, channels: Int = 3, scalesDecoding: Bool = true
    ) throws {
        try requireClassNames(files.classNames, of: name)
        try require([1, 3].contains(channels), name, "\(channels) channels, expected 1 or 3")
        try require(
            (1...4096).contains(fit.height) && (1...4096).contains(fit.width), name,
            "images of \(fit.height)×\(fit.width) pixels, expected 1...4096 each way")
        try require(
            fit.cropFraction > 0 && fit.cropFraction <= 1, name,
            "a crop fraction of \(fit.cropFraction), expected one above 0 and at most 1")
        self.name = name
        self.files = files
        self.fit = fit
        self.channels = channels
        self.scalesDecoding = scalesDecoding
    }

    public var height: Int { fit.height }
    public var width: Int { fit.width }
    public var classNames: [String] { files.classNames }
    public var labels: [Int32] { files.labels }
    public var isDecoded: Bool { true }

    public func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        try copyImage(index, of: { _, _ in nil }, into: buffer)
    }

    public func copyImage(
        _ index: Int, of region: (_ height: Int, _ width: Int) -> PixelRegion?,
        into buffer: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        try requireImage(index, fits: buffer)
        let decoder = try ImageFile(files.path(index)).decoder()
        let size = decoder.size
        let chosen = region(size.height, size.width) ?? fit.region(size.height, size.width)
        let target = fit.target(of: chosen)
        let picture = try decoder.decoded(
            channels: channels, atLeast: scalesDecoding ? decodedSize(of: size, chosen, target) : size)
        let part = chosen.scaled(from: size, to: (picture.height, picture.width))
        if target == (height, width) {
            picture.resize(part, height: height, width: width, into: buffer)
        } else {
            let inner = picture.resized(part, height: target.height, width: target.width)
            buffer.update(repeating: 0)
            let (top, left) = ((height - target.height) / 2, (width - target.width) / 2)
            let row = target.width * channels
            for y in 0..<target.height {
                let start = ((top + y) * width + left) * channels
                _ = buffer[start..<start + row].update(fromContentsOf: inner.pixels[y * row..<(y + 1) * row])
            }
        }
    }

    /// The size that a picture must be decoded in so that a region of it has as many pixels as it becomes, or all of its own.
    private func decodedSize(
        of size: (height: Int, width: Int), _ region: PixelRegion, _ target: (height: Int, width: Int)
    ) -> (height: Int, width: Int) {
        let scale = max(
            Double(target.height) / Double(region.height), Double(target.width) / Double(region.width))
        func scaled(_ extent: Int) -> Int { Int((Double(extent) * min(scale, 1)).rounded(.up)) }
        return (scaled(size.height), scaled(size.width))
    }

    /// The size of a file's picture.
    ///
    /// - Throws: `FileError` if it cannot be read; `DatasetError` if its header is damaged.
    public func pictureSize(_ index: Int) throws -> (height: Int, width: Int) {
        try ImageFile(files.path(index)).decoder().size
    }

    /// Without the files that cannot be decoded; each is decoded once, on all processors.
    ///
    /// - Returns: the rest, and what was wrong with the others.
    /// - Throws: `DatasetError` if no file is left.
    public func withoutBrokenFiles() throws -> (dataset: PictureDataset, problems: [DatasetError]) {
        let found = Parallel.map(count) { index -> DatasetError? in
            do {
                _ = try image(index)
                return nil
            } catch let error as DatasetError { return error } catch {
                return DatasetError(files.path(index), "\((error as? FileError)?.reason ?? "\(error)")")
            }
        }
        let sound = found.indices.filter { found[$0] == nil }
        try require(!sound.isEmpty, name, "none of the \(count) files can be decoded")
        let rest = try PictureDataset(
            name: name, files: files.selecting(sound), fit: fit, channels: channels,
            scalesDecoding: scalesDecoding)
        return (rest, found.compactMap(\.self))
    }
}
