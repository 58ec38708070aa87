import Glibc
import TensorEngine

/// A part of the image, of random area and shape, brought to the images' size (Szegedy et al., 2015).
///
/// Ten times an area and a shape are drawn, the first that fits is taken at a random place; where none fits, the largest
/// middle part whose shape is allowed.
public struct RandomResizedCrop: ImageTransform, Hashable {
    /// The least part of the image's area; 0.08 by default.
    public var minimumArea = 0.08
    /// The largest part of the image's area; 1 by default.
    public var maximumArea = 1.0
    /// The largest ratio of width and height, and of height and width; 4/3 by default. Its logarithm is uniform.
    public var maximumRatio = 4.0 / 3

    public init() {}

    public func region(height: Int, width: Int, random: RandomStream) -> PixelRegion? {
        let area = Double(height * width)
        for attempt in 0..<UInt64(10) {
            let part = minimumArea + (maximumArea - minimumArea) * random.uniform(at: 4 * attempt)
            let ratio = exp(log(maximumRatio) * (2 * random.uniform(at: 4 * attempt + 1) - 1))
            let columns = Int((area * part * ratio).squareRoot().rounded())
            let rows = Int((area * part / ratio).squareRoot().rounded())
            guard (1...width).contains(columns), (1...height).contains(rows) else { continue }
            return PixelRegion(
                top: random.integer(below: height - rows + 1, at: 4 * attempt + 2),
                left: random.integer(below: width - columns + 1, at: 4 * attempt + 3), height: rows,
                width: columns)
        }
        let rows = min(height, max(1, Int((Double(width) * maximumRatio).rounded())))
        let columns = min(width, max(1, Int((Double(height) * maximumRatio).rounded())))
        return PixelRegion(
            top: (height - rows) / 2, left: (width - columns) / 2, height: rows, width: columns)
    }
}
