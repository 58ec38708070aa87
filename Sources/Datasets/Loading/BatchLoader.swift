import Synchronization
import TensorEngine

/// Makes batches of a data set's images: shuffled anew in each epoch, augmented, normalised.
///
/// A batch depends on the options, the stream and its number alone, never on what was loaded before it or on
/// which thread.
public final class BatchLoader: BatchSource {
    /// How batches are made.
    public struct Options: Sendable {
        public var batchSize: Int
        /// Whether each epoch has an order of its own, or all have the data set's.
        public var shuffles: Bool
        /// Whether a last batch that would be smaller than the others is left out.
        public var dropsLast: Bool
        public var augmentation: Augmentation
        public var normalization: PixelNormalization
        /// Whether batches have `originals`.
        public var includesOriginals: Bool
        /// Float32 or Float64.
        public var dtype: DType

        public init(
            batchSize: Int, shuffles: Bool = true, dropsLast: Bool = true,
            augmentation: Augmentation = .none, normalization: PixelNormalization,
            includesOriginals: Bool = false, dtype: DType = .float32
        ) {
            self.batchSize = batchSize
            self.shuffles = shuffles
            self.dropsLast = dropsLast
            self.augmentation = augmentation
            self.normalization = normalization
            self.includesOriginals = includesOriginals
            self.dtype = dtype
        }

        /// Options for measuring: every image once, in order, as it is.
        public static func evaluation(
            batchSize: Int, normalization: PixelNormalization, dtype: DType = .float32
        ) -> Options {
            Options(
                batchSize: batchSize, shuffles: false, dropsLast: false, normalization: normalization,
                dtype: dtype)
        }
    }

    public let dataset: any Dataset
    public let options: Options
    public let batchesPerEpoch: Int
    private let backend: any Backend
    private let random: RandomStream
    private let labels: [Int32]
    private let latestOrder = Mutex<(epoch: Int, order: [Int])?>(nil)

    /// - Throws: `DatasetError` if the batch size is less than 1 or an epoch has no batch, the augmentation
    ///   does not fit the images, the normalisation has other channels, or the type is not a floating-point one.
    public init(
        _ dataset: any Dataset, _ options: Options, on backend: any Backend, random: RandomStream
    ) throws {
        let (size, labels) = (options.batchSize, dataset.labels)
        try require(size >= 1, dataset.name, "a batch size of \(size), expected at least 1")
        batchesPerEpoch = options.dropsLast ? labels.count / size : (labels.count + size - 1) / size
        try require(
            batchesPerEpoch > 0, dataset.name,
            "\(labels.count) images make no batch, expected at least \(options.dropsLast ? size : 1)")
        try require(
            options.normalization.channels == dataset.channels, dataset.name,
            "a normalisation of \(options.normalization.channels) channels, expected \(dataset.channels)")
        try require(
            options.dtype.isFloatingPoint, dataset.name,
            "images as \(options.dtype), expected a floating-point type")
        try options.augmentation.requireFits(dataset)
        self.dataset = dataset
        self.options = options
        self.backend = backend
        self.random = random
        self.labels = labels
    }

    public func batch(step: Int) throws -> Batch {
        try require(step >= 0, dataset.name, "step \(step), expected at least 0")
        return try batch(epoch: step / batchesPerEpoch, index: step % batchesPerEpoch)
    }

    /// - Throws: `DatasetError` if there is no such batch, or an image cannot be read.
    public func batch(epoch: Int, index: Int) throws -> Batch {
        try require(
            epoch >= 0 && (0..<batchesPerEpoch).contains(index), dataset.name,
            "no batch \(index) in epoch \(epoch), expected one of 0..<\(batchesPerEpoch)")
        switch options.dtype {
        case .float64: return try makeBatch(of: Double.self, epoch, index)
        default: return try makeBatch(of: Float.self, epoch, index)
        }
    }

    private func makeBatch<Element: BinaryFloatingPoint & TensorElement>(
        of type: Element.Type, _ epoch: Int, _ index: Int
    ) throws -> Batch {
        let start = index * options.batchSize
        let positions = start..<min(start + options.batchSize, labels.count)
        let members = Array(order(ofEpoch: epoch)[positions])
        let shape: Shape = [members.count, dataset.height, dataset.width, dataset.channels]
        let normalized = PixelWriter(dataset, options.normalization.table(of: type))
        let original = PixelWriter(
            dataset, PixelNormalization.tanhRange(channels: dataset.channels).table(of: type))
        let choices = random.derived("augmentation").derived(UInt64(epoch))
        var images: [Element] = []
        var originals: [Element] = []
        images.reserveCapacity(shape.count)
        if options.includesOriginals { originals.reserveCapacity(shape.count) }
        for (position, member) in zip(positions, members) {
            let bytes = try dataset.image(member)
            let choice = options.augmentation.choice(
                height: dataset.height, width: dataset.width, random: choices.derived(UInt64(position)))
            normalized.append(bytes, choice, to: &images)
            if options.includesOriginals { original.append(bytes, .init(), to: &originals) }
        }
        return Batch(
            images: try backend.tensor(images, shape),
            originals: options.includesOriginals ? try backend.tensor(originals, shape) : nil,
            labels: try backend.tensor(members.map { labels[$0] }, [members.count]))
    }

    private func order(ofEpoch epoch: Int) -> [Int] {
        guard options.shuffles else { return Array(labels.indices) }
        return latestOrder.withLock { latest in
            if let latest, latest.epoch == epoch { return latest.order }
            let order = random.derived("order").derived(UInt64(epoch)).permutation(of: labels.count)
            latest = (epoch, order)
            return order
        }
    }
}

/// Writes an image's bytes as numbers: augmented as chosen, normalised.
private struct PixelWriter<Element: BinaryFloatingPoint> {
    let height: Int
    let width: Int
    let channels: Int
    /// The value of each byte, 256 for each channel.
    let table: [Element]

    init(_ dataset: any Dataset, _ table: [Element]) {
        height = dataset.height
        width = dataset.width
        channels = dataset.channels
        self.table = table
    }

    func append(_ bytes: [UInt8], _ choice: Augmentation.Choice, to result: inout [Element]) {
        for row in 0..<height {
            for column in 0..<width {
                let source = choice.source(row: row, column: column, height: height, width: width)
                for channel in 0..<channels {
                    switch source {
                    case .pixel(let pixel):
                        result.append(table[channel * 256 + Int(bytes[pixel * channels + channel])])
                    case .border: result.append(table[channel * 256])
                    case .cut: result.append(0)
                    }
                }
            }
        }
    }
}
