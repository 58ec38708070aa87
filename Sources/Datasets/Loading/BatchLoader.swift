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
        /// What varies images before the augmentation does.
        public var transforms: [any ImageTransform]
        public var augmentation: Augmentation
        /// How images are mixed when they are normalised.
        public var mixing: BatchMixing
        public var normalization: PixelNormalization
        /// Whether batches have `originals`.
        public var includesOriginals: Bool
        /// Float32 or Float64.
        public var dtype: DType

        public init(
            batchSize: Int, shuffles: Bool = true, dropsLast: Bool = true,
            transforms: [any ImageTransform] = [], augmentation: Augmentation = .none,
            mixing: BatchMixing = .none, normalization: PixelNormalization,
            includesOriginals: Bool = false, dtype: DType = .float32
        ) {
            self.batchSize = batchSize
            self.shuffles = shuffles
            self.dropsLast = dropsLast
            self.transforms = transforms
            self.augmentation = augmentation
            self.mixing = mixing
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
        let (count, size) = (members.count, dataset.imageByteCount)
        let shape: Shape = [count, dataset.height, dataset.width, dataset.channels]
        let normalized = PixelWriter(dataset, options.normalization.table(of: type))
        let original = PixelWriter(
            dataset, PixelNormalization.tanhRange(channels: dataset.channels).table(of: type))
        let choices = random.derived("augmentation").derived(UInt64(epoch))
        let chain = TransformChain(transforms: options.transforms)
        let errors = Mutex<[Int: any Error]>([:])
        var originals: [Element] = []
        var images = [Element](unsafeUninitializedCapacity: count * size) { images, filled in
            filled = count * size
            nonisolated(unsafe) let images = images
            originals = [Element](unsafeUninitializedCapacity: options.includesOriginals ? count * size : 0) {
                originals, filled in
                filled = options.includesOriginals ? count * size : 0
                nonisolated(unsafe) let originals = originals
                Parallel.forEach(count, isParallel: dataset.isDecoded || !options.transforms.isEmpty) {
                    place in
                    let random = choices.derived(UInt64(positions.lowerBound + place))
                    let part = place * size..<(place + 1) * size
                    do {
                        let image = try chain.image(members[place], of: dataset, random: random)
                        let choice = options.augmentation.choice(
                            height: dataset.height, width: dataset.width, random: random)
                        normalized.write(image.pixels, choice, to: .init(rebasing: images[part]))
                        if options.includesOriginals {
                            let bytes =
                                options.transforms.isEmpty ? image.pixels : try dataset.image(members[place])
                            original.write(bytes, .init(), to: .init(rebasing: originals[part]))
                        }
                    } catch {
                        images[part].initialize(repeating: 0)
                        if options.includesOriginals { originals[part].initialize(repeating: 0) }
                        errors.withLock { $0[place] = error }
                    }
                }
            }
        }
        if let first = errors.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
        let labels = members.map { self.labels[$0] }
        let mixed = options.mixing.apply(
            to: &images, count: count, height: dataset.height, width: dataset.width,
            random: random.derived("mixing").derived(UInt64(epoch)).derived(UInt64(index)))
        return Batch(
            images: try backend.tensor(images, shape),
            originals: options.includesOriginals ? try backend.tensor(originals, shape) : nil,
            labels: try backend.tensor(labels, [count]),
            mixed: try mixed.map { mixed in
                (try backend.tensor(mixed.partners.map { labels[$0] }, [count]), mixed.weight)
            })
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
private struct PixelWriter<Element: BinaryFloatingPoint & Sendable>: Sendable {
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

    func write(
        _ bytes: [UInt8], _ choice: Augmentation.Choice, to result: UnsafeMutableBufferPointer<Element>
    ) {
        let black = (0..<channels).map { table[$0 * 256] }
        let columns = (0..<width).map { choice.sourceColumn($0, width: width) ?? -1 }
        bytes.withUnsafeBufferPointer { bytes in
            table.withUnsafeBufferPointer { table in
                for row in 0..<height {
                    let line = result.baseAddress! + row * width * channels
                    let source = choice.sourceRow(row, height: height)
                    for column in 0..<width {
                        let pixel = line + column * channels
                        guard let source, columns[column] >= 0 else {
                            pixel.initialize(from: black, count: channels)
                            continue
                        }
                        let start = (source * width + columns[column]) * channels
                        for channel in 0..<channels {
                            (pixel + channel).initialize(
                                to: table[channel * 256 + Int(bytes[start + channel])])
                        }
                    }
                }
            }
        }
        for row in choice.cutRows {
            let start = row * width * channels
            result[
                start + choice.cutColumns.lowerBound * channels..<start + choice.cutColumns.upperBound
                    * channels
            ]
            .update(repeating: 0)
        }
    }
}
