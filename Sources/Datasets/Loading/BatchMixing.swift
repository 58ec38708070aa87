import Glibc
import TensorEngine

/// A batch's images mixed with others of it, as their labels are: mixup (Zhang et al., 2018) and CutMix (Yun et al.,
/// 2019). Where both are on, each batch has one of the two, at random.
public struct BatchMixing: Sendable, Hashable {
    /// α of mixup: the whole other image has a weight of Beta(α, α); 0, the default, for none.
    public var mixup = 0.0
    /// α of CutMix: a rectangle of Beta(α, α) of the area is the other image's; 0, the default, for none.
    public var cutMix = 0.0

    public init(mixup: Double = 0, cutMix: Double = 0) {
        self.mixup = mixup
        self.cutMix = cutMix
    }

    public static let none = BatchMixing()

    /// Mixes a batch's images [N, H, W, C].
    ///
    /// - Parameter random: of this batch.
    /// - Returns: for each image the one that is mixed into it, and the weight of that; `nil` if none is.
    func apply<Element: BinaryFloatingPoint>(
        to images: inout [Element], count: Int, height: Int, width: Int, random: RandomStream
    ) -> (partners: [Int], weight: Double)? {
        guard self != .none else { return nil }
        let cuts = mixup == 0 || cutMix > 0 && random.integer(below: 2, at: 0) == 1
        let part = Self.beta(cuts ? cutMix : mixup, random: random.derived("part"))
        let partners = random.derived("partners").permutation(of: count)
        let (before, size) = (images, images.count / count)
        guard cuts else {
            let (own, other) = (Element(1 - part), Element(part))
            for index in images.indices {
                let (image, place) = index.quotientAndRemainder(dividingBy: size)
                images[index] = own * images[index] + other * before[partners[image] * size + place]
            }
            return (partners, part)
        }
        func range(_ extent: Int, at index: UInt64) -> Range<Int> {
            let length = Int((Double(extent) * part.squareRoot()).rounded())
            let start = random.integer(below: extent, at: index) - length / 2
            return (start..<start + length).clamped(to: 0..<extent)
        }
        let (rows, columns) = (range(height, at: 1), range(width, at: 2))
        let channels = size / (height * width)
        for image in 0..<count {
            for row in rows {
                for index in (row * width + columns.lowerBound)
                    * channels..<(row * width + columns.upperBound) * channels
                {
                    images[image * size + index] = before[partners[image] * size + index]
                }
            }
        }
        return (partners, Double(rows.count * columns.count) / Double(height * width))
    }

    /// Beta(α, α), by rejection (Jöhnk, 1964).
    private static func beta(_ alpha: Double, random: RandomStream) -> Double {
        for attempt in 0..<UInt64(1000) {
            let (x, y) = (
                pow(random.uniform(at: 2 * attempt), 1 / alpha),
                pow(random.uniform(at: 2 * attempt + 1), 1 / alpha)
            )
            if x + y > 0 && x + y <= 1 { return x / (x + y) }
        }
        return 0.5
    }
}
