import Glibc

/// CIFAR-10 or CIFAR-100 (Krizhevsky, 2009): 32×32 colour images, 50,000 for training and 10,000 for testing, as
/// its author distributes them.
public enum CIFAR: Sendable, Hashable {
    case ten
    case hundred(Labels)

    /// CIFAR-100's 100 fine classes, or the 20 coarse ones that they belong to, five to each.
    public enum Labels: String, Sendable, CaseIterable { case fine, coarse }

    public static let side = 32
    public static let channels = 3

    public var name: String { self == .ten ? "CIFAR-10" : "CIFAR-100" }

    /// A part of the images, and what is to be said of them.
    public struct Contents: Sendable {
        public let training: ArrayDataset
        public let test: ArrayDataset
        /// Where they are not the published images, so that results do not compare; lines for the reader of a run.
        public let notices: [String]
    }

    /// Reads the images.
    ///
    /// Every file's length must be that of whole records. Images other than the published ones, by their number or
    /// their SHA-256, are taken too, with a notice: re-encoded and smaller copies exist.
    ///
    /// - Parameter path: of the archive as distributed, of the folder that it unpacks to, or of a folder that holds
    ///   either.
    /// - Throws: `FileError` if a file cannot be read; `DatasetError` that says what is expected where nothing is
    ///   found, or what is wrong with a file, and where.
    public func load(from path: String) throws -> Contents {
        let source = try located(at: path)
        let files = try FileGroup.read(
            Set(batches.map(\.file) + [classNamesFile]), at: source, limit: 256 << 20)
        func contents(of file: String) throws -> (bytes: [UInt8], path: String) {
            guard let bytes = files[file] else {
                throw DatasetError(source, "has no \(file): it is not whole, get it anew. \(expected)")
            }
            return (bytes, "\(source)/\(file)")
        }
        let (text, namesPath) = try contents(of: classNamesFile)
        let classNames = String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline).map(
            String.init)
        try require(
            classNames.count == classCount, namesPath, "\(classNames.count) names, expected \(classCount)")
        var notices: [String] = []
        func part(_ batches: [Batch]) throws -> ArrayDataset {
            var images = Images()
            for batch in batches {
                let (bytes, path) = try contents(of: batch.file)
                try append(bytes, path: path, classes: classNames.count, to: &images)
                let count = bytes.count / recordByteCount
                if count != batch.images {
                    notices.append("\(path) has \(count) images, the published one \(batch.images)")
                } else if notices.isEmpty, !SHA256.isDigest(batch.digest, of: bytes) {
                    notices.append(
                        "\(path) does not hold the published images (its SHA-256 is another): results do not "
                            + "compare with those on \(name)")
                }
            }
            return try ArrayDataset(
                name: name, height: Self.side, width: Self.side, channels: Self.channels,
                classNames: classNames, labels: images.labels, pixels: images.pixels)
        }
        let test = batches.last!
        return Contents(training: try part(batches.dropLast()), test: try part([test]), notices: notices)
    }

    // MARK: Records

    /// The bytes before a record's pixels: the label, or the coarse and the fine one.
    private var labelByteCount: Int { self == .ten ? 1 : 2 }
    private var labelByte: Int { self == .hundred(.fine) ? 1 : 0 }
    private var recordByteCount: Int { labelByteCount + Self.channels * Self.side * Self.side }

    private struct Images {
        var labels: [Int32] = []
        var pixels: [UInt8] = []
    }

    /// Adds a file's records, each its labels and the red, the green and the blue plane, row by row.
    private func append(_ bytes: [UInt8], path: String, classes: Int, to images: inout Images) throws {
        let record = recordByteCount
        try require(
            !bytes.isEmpty && bytes.count % record == 0, path,
            "\(bytes.count) bytes, expected a multiple of \(record): \(bytes.count / record) images and "
                + "\(bytes.count % record) bytes more; get it anew")
        let plane = Self.side * Self.side
        images.pixels.reserveCapacity(images.pixels.count + bytes.count)
        for start in stride(from: 0, to: bytes.count, by: record) {
            let label = bytes[start + labelByte]
            try require(
                label < classes, path,
                "byte \(start + labelByte): label \(label) of image \(start / record), expected one below the "
                    + "\(classes) classes; get it anew")
            images.labels.append(Int32(label))
            let red = start + labelByteCount
            for pixel in red..<red + plane {
                for channel in 0..<Self.channels { images.pixels.append(bytes[pixel + channel * plane]) }
            }
        }
    }

    // MARK: Files

    private struct Batch {
        let file: String
        let images: Int
        /// SHA-256 of the published file.
        let digest: String
    }

    /// Those for training, and the one for testing.
    private var batches: [Batch] {
        switch self {
        case .ten:
            zip(
                [
                    "data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5",
                    "test_batch",
                ],
                [
                    "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
                    "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
                    "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
                    "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
                    "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
                    "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
                ]
            ).map { Batch(file: "\($0).bin", images: 10_000, digest: $1) }
        case .hundred:
            [
                Batch(
                    file: "train.bin", images: 50_000,
                    digest: "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29"),
                Batch(
                    file: "test.bin", images: 10_000,
                    digest: "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a"),
            ]
        }
    }

    private var classNamesFile: String {
        switch self {
        case .ten: "batches.meta.txt"
        case .hundred(let labels): "\(labels.rawValue)_label_names.txt"
        }
    }

    private var classCount: Int {
        switch self {
        case .ten: 10
        case .hundred(.fine): 100
        case .hundred(.coarse): 20
        }
    }

    private var archive: String { self == .ten ? "cifar-10-binary.tar.gz" : "cifar-100-binary.tar.gz" }
    private var folder: String { self == .ten ? "cifar-10-batches-bin" : "cifar-100-binary" }

    /// What to put where, in a sentence.
    public var expected: String {
        "Expected \(archive) of https://www.cs.toronto.edu/~kriz/cifar.html, the folder \(folder) that it unpacks to, "
            + "or a folder that holds either"
    }

    /// The archive or the folder of files that a path leads to.
    private func located(at path: String) throws -> String {
        try require(access(path, F_OK) == 0, path, "there is nothing. \(expected)")
        guard isDirectory(path) else { return path }
        if access("\(path)/\(batches[0].file)", F_OK) == 0 { return path }
        for name in [folder, archive] where access("\(path)/\(name)", F_OK) == 0 { return "\(path)/\(name)" }
        throw DatasetError(path, "holds no \(name). \(expected)")
    }
}

extension SHA256 {
    fileprivate static func isDigest(_ text: String, of bytes: [UInt8]) -> Bool {
        let digits = bytes.withUnsafeBytes(digest).map {
            String($0 >> 4, radix: 16) + String($0 & 15, radix: 16)
        }
        return digits.joined() == text
    }
}
