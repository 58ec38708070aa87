import Synchronization

/// The map from bytes to what a classifier sees: (byte/255 − mean) / deviation, per channel.
public struct PixelNormalization: Sendable, Hashable {
    /// Per channel, where black is 0 and white 1.
    public let mean: [Double]
    public let deviation: [Double]

    /// - Throws: `DatasetError` unless there are as many finite means as finite positive deviations.
    public init(mean: [Double], deviation: [Double]) throws {
        try require(
            !mean.isEmpty && mean.count == deviation.count, "normalization",
            "\(mean.count) means and \(deviation.count) deviations, expected one of each per channel")
        try require(mean.allSatisfy(\.isFinite), "normalization", "means \(mean), expected finite ones")
        try require(
            deviation.allSatisfy { $0.isFinite && $0 > 0 }, "normalization",
            "deviations \(deviation), expected positive ones")
        self.init(mean, deviation)
    }

    /// The mean and the population's standard deviation of each channel over a data set, computed exactly
    /// from a histogram; a channel that is constant gets deviation 1.
    ///
    /// - Throws: `DatasetError` if the data set is empty, or an image cannot be read.
    public init(of dataset: any Dataset) throws {
        try require(dataset.count > 0, dataset.name, "no images to normalise by")
        let channels = dataset.channels
        let histogram = try Self.histogram(of: dataset)
        let values = Double(dataset.count * dataset.height * dataset.width)
        var means: [Double] = []
        var deviations: [Double] = []
        for channel in 0..<channels {
            let counts = histogram[channel * 256..<(channel + 1) * 256].enumerated()
            let mean = counts.reduce(0) { $0 + Double($1.element) * Double($1.offset) } / values
            let variance =
                counts.reduce(0) {
                    let distance = Double($1.offset) - mean
                    return $0 + Double($1.element) * distance * distance
                } / values
            means.append(mean / 255)
            deviations.append(variance > 0 ? variance.squareRoot() / 255 : 1)
        }
        self.init(means, deviations)
    }

    /// How often each channel has each byte: 256 counts for each.
    private static func histogram(of dataset: any Dataset) throws -> [Int] {
        let (channels, chunk) = (dataset.channels, 256)
        let sums = Mutex([Int](repeating: 0, count: channels * 256))
        let errors = Mutex<[Int: any Error]>([:])
        Parallel.forEach((dataset.count + chunk - 1) / chunk, isParallel: dataset.isDecoded) { part in
            do {
                var counts = [Int](repeating: 0, count: channels * 256)
                let image = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: dataset.imageByteCount)
                defer { image.deallocate() }
                for index in part * chunk..<min((part + 1) * chunk, dataset.count) {
                    try dataset.copyImage(index, into: image)
                    for pixel in stride(from: 0, to: image.count, by: channels) {
                        for channel in 0..<channels {
                            counts[channel * 256 + Int(image[pixel + channel])] += 1
                        }
                    }
                }
                sums.withLock { for index in counts.indices { $0[index] += counts[index] } }
            } catch { errors.withLock { $0[part] = error } }
        }
        if let first = errors.withLock({ $0.min { $0.key < $1.key } }) { throw first.value }
        return sums.withLock { $0 }
    }

    private init(_ mean: [Double], _ deviation: [Double]) {
        self.mean = mean
        self.deviation = deviation
    }

    /// The normalisation to tanh's range: black is −1 and white 1.
    public static func tanhRange(channels: Int) -> PixelNormalization {
        PixelNormalization(
            [Double](repeating: 0.5, count: channels), [Double](repeating: 0.5, count: channels))
    }

    public var channels: Int { mean.count }

    /// From tanh's range, which generators draw in, to this normalisation; its `inverse` leads back.
    public var fromTanhRange: ChannelMap {
        ChannelMap(
            scale: deviation.map { 0.5 / $0 }, offset: zip(mean, deviation).map { (0.5 - $0) / $1 })
    }

    /// The normalised value of every byte, 256 for each channel.
    func table<Element: BinaryFloatingPoint>(of type: Element.Type) -> [Element] {
        zip(mean, deviation).flatMap { mean, deviation in
            (0..<256).map { Element((Double($0) / 255 - mean) / deviation) }
        }
    }
}
