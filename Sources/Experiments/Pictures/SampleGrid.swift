import TensorEngine

/// Images side by side: a row for each class, on a white ground.
public enum SampleGrid {
    /// Whether images of so many channels are grey or colour, as pictures are.
    public static func canDraw(channels: Int) -> Bool { channels == 1 || channels == 3 }

    /// - Parameters:
    ///   - images: [rows·columns, H, W, C] in [−1, 1], row by row; C is 1 or 3. What is no number is drawn black.
    ///   - columns: images in a row.
    ///   - scale: pixels a side that an image's pixel becomes.
    /// - Returns: a PNG file.
    /// - Throws: `TensorError` if there is no image, or images have another shape.
    public static func png(_ images: Tensor, columns: Int, scale: Int = 2) throws -> [UInt8] {
        let shape = images.shape
        guard shape.rank == 4, shape.count > 0, canDraw(channels: shape[3]), columns > 0, scale > 0 else {
            throw TensorError(
                "sample grid",
                "the images are \(shape) in \(columns) columns at scale \(scale), expected [N, H, W, 1 or 3] "
                    + "with N, H, W, columns and scale of at least 1")
        }
        let (count, height, width, channels) = (shape[0], shape[1], shape[2], shape[3])
        let values = try images.doubles()
        let gap = 2
        let rows = (count + columns - 1) / columns
        let (tileHeight, tileWidth) = (height * scale + gap, width * scale + gap)
        let (gridHeight, gridWidth) = (rows * tileHeight + gap, columns * tileWidth + gap)
        var pixels = [UInt8](repeating: 255, count: gridHeight * gridWidth * channels)
        for image in 0..<count {
            let (top, left) = (image / columns * tileHeight + gap, image % columns * tileWidth + gap)
            for y in 0..<(height * scale) {
                for x in 0..<(width * scale) {
                    let source = ((image * height + y / scale) * width + x / scale) * channels
                    let target = ((top + y) * gridWidth + left + x) * channels
                    for channel in 0..<channels {
                        pixels[target + channel] = byte(values[source + channel])
                    }
                }
            }
        }
        return PNG.encode(pixels, width: gridWidth, height: gridHeight, channels: channels)
    }

    private static func byte(_ value: Double) -> UInt8 {
        value.isNaN ? 0 : UInt8(min(max(((value + 1) * 127.5).rounded(), 0), 255))
    }
}
