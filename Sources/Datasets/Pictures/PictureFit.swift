/// How a picture of any size becomes an image of one size.
public struct PictureFit: Sendable, Hashable {
    public enum Mode: String, Sendable, CaseIterable {
        /// The largest part of the right shape around the middle is taken.
        case crop
        /// The whole lies in the middle of a black ground.
        case pad
        /// The whole, whatever becomes of its shape.
        case stretch
    }

    public var height: Int
    public var width: Int
    public var mode: Mode
    /// The part of the largest crop's side that is taken: 0.875 is the middle 224 of 256 pixels.
    public var cropFraction: Double

    public init(height: Int, width: Int, mode: Mode = .crop, cropFraction: Double = 1) {
        self.height = height
        self.width = width
        self.mode = mode
        self.cropFraction = cropFraction
    }

    /// The part of a picture of this size that is taken.
    func region(_ pictureHeight: Int, _ pictureWidth: Int) -> PixelRegion {
        guard mode == .crop else {
            return PixelRegion(top: 0, left: 0, height: pictureHeight, width: pictureWidth)
        }
        let scale =
            min(Double(pictureHeight) / Double(height), Double(pictureWidth) / Double(width)) * cropFraction
        let rows = min(max(Int((scale * Double(height)).rounded()), 1), pictureHeight)
        let columns = min(max(Int((scale * Double(width)).rounded()), 1), pictureWidth)
        return PixelRegion(
            top: (pictureHeight - rows) / 2, left: (pictureWidth - columns) / 2, height: rows, width: columns)
    }

    /// The size that a region of the picture has in the image.
    func target(of region: PixelRegion) -> (height: Int, width: Int) {
        guard mode == .pad else { return (height, width) }
        let scale = min(Double(height) / Double(region.height), Double(width) / Double(region.width))
        func fitted(_ extent: Int, _ limit: Int) -> Int {
            min(max(Int((Double(extent) * scale).rounded()), 1), limit)
        }
        return (fitted(region.height, height), fitted(region.width, width))
    }
}
