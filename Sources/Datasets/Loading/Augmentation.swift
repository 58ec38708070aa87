import TensorEngine

/// How training images are varied: DARTS's random crop, horizontal flip and cutout.
public struct Augmentation: Sendable, Hashable {
    /// The black border, in pixels on each side, of which the image is cropped again at a random place.
    public var cropPadding: Int
    /// Whether every other image, at random, is mirrored left to right.
    public var horizontalFlip: Bool
    /// The side of a square at a random place that is set to 0 after normalisation, or 0 for none. Its centre
    /// lies in the image, so parts of it may not.
    public var cutoutLength: Int

    public init(cropPadding: Int = 0, horizontalFlip: Bool = false, cutoutLength: Int = 0) {
        self.cropPadding = cropPadding
        self.horizontalFlip = horizontalFlip
        self.cutoutLength = cutoutLength
    }

    /// Images as they are.
    public static let none = Augmentation()

    /// - Throws: `DatasetError` unless both lengths are below the images' shorter side: a larger cutout leaves images
    ///   with nothing in them.
    package func requireFits(_ dataset: any Dataset) throws {
        let side = min(dataset.height, dataset.width)
        try require(
            (0..<side).contains(cropPadding), dataset.name,
            "crop padding \(cropPadding), expected 0..<\(side) for \(dataset.height)×\(dataset.width) images")
        try require(
            (0..<side).contains(cutoutLength), dataset.name,
            "cutout length \(cutoutLength), expected 0..<\(side) "
                + "for \(dataset.height)×\(dataset.width) images")
    }

    /// What happens to one image: chosen first and applied then.
    package struct Choice: Hashable, Sendable {
        /// The place in the unpadded image of the crop's first row and column; negative in the border.
        package var row = 0
        package var column = 0
        package var isFlipped = false
        /// The part that is set to 0, in the result.
        package var cutRows = 0..<0
        package var cutColumns = 0..<0

        package init() {}

        /// Where a pixel of the result comes from, in an image of this size.
        package func source(row: Int, column: Int, height: Int, width: Int) -> Source {
            if cutRows.contains(row) && cutColumns.contains(column) { return .cut }
            guard let row = sourceRow(row, height: height), let column = sourceColumn(column, width: width)
            else { return .border }
            return .pixel(row * width + column)
        }

        /// The row that a row of the result comes from, where that is none of the border's.
        func sourceRow(_ row: Int, height: Int) -> Int? {
            let source = row + self.row
            return (0..<height).contains(source) ? source : nil
        }

        /// The column that a column of the result comes from, where that is none of the border's.
        func sourceColumn(_ column: Int, width: Int) -> Int? {
            let source = (isFlipped ? width - 1 - column : column) + self.column
            return (0..<width).contains(source) ? source : nil
        }
    }

    /// Where a pixel of an augmented image comes from.
    package enum Source: Hashable, Sendable {
        /// The pixel of this number, row by row.
        case pixel(Int)
        /// The black border around the image.
        case border
        /// Cutout: 0 after normalisation.
        case cut
    }

    /// What happens to the image that this stream is for.
    package func choice(height: Int, width: Int, random: RandomStream) -> Choice {
        var choice = Choice()
        if cropPadding > 0 {
            choice.row = random.integer(below: 2 * cropPadding + 1, at: 0) - cropPadding
            choice.column = random.integer(below: 2 * cropPadding + 1, at: 1) - cropPadding
        }
        if horizontalFlip { choice.isFlipped = random.integer(below: 2, at: 2) == 1 }
        if cutoutLength > 0 {
            func cut(_ extent: Int, at index: UInt64) -> Range<Int> {
                let start = random.integer(below: extent, at: index) - cutoutLength / 2
                return (start..<start + cutoutLength).clamped(to: 0..<extent)
            }
            choice.cutRows = cut(height, at: 3)
            choice.cutColumns = cut(width, at: 4)
        }
        return choice
    }
}
