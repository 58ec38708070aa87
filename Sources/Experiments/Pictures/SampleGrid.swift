import TensorEngine

/// Images side by side: a row for each class, on a white ground.
public enum SampleGrid {
    /// - Parameters:
    ///   - images: [rows·columns, H, W, C] in [−1, 1], row by row; C is 1 or 3.
    ///   - scale: pixels a side that an image's pixel becomes.
    /// - Returns: a PNG file.
    public static func png(_ images: Tensor, columns: Int, scale: Int = 2) throws -> [UInt8] {
        let (count, height, width, channels) = (
            images.shape[0], images.shape[1], images.shape[2], images.shape[3]
        )
        let values = try images.doubles()
        let gap = 2
        let rows = (count + columns - 1) / columns
        let (cellHeight, cellWidth) = (height * scale + gap, width * scale + gap)
        let (gridHeight, gridWidth) = (rows * cellHeight + gap, columns * cellWidth + gap)
        var pixels = [UInt8](repeating: 255, count: gridHeight * gridWidth * channels)
        for image in 0..<count {
            let (top, left) = (image / columns * cellHeight + gap, image % columns * cellWidth + gap)
            for y in 0..<(height * scale) {
                for x in 0..<(width * scale) {
                    let source = ((image * height + y / scale) * width + x / scale) * channels
                    let target = ((top + y) * gridWidth + left + x) * channels
                    for channel in 0..<channels {
                        let value = (values[source + channel] + 1) * 127.5
                        pixels[target + channel] = UInt8(min(max(value.rounded(), 0), 255))
                    }
                }
            }
        }
        return PNG.encode(pixels, width: gridWidth, height: gridHeight, channels: channels)
    }
}
