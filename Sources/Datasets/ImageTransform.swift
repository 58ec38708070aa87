import TensorEngine

/// Random shifts and mirrorings of a batch of images as a differentiable operation, so that a gradient can
/// pass to the generator the images came from.
public struct ImageTransform: Sendable, Hashable {
    /// The largest shift in pixels, as a random crop of the image padded by that much takes it.
    public var padding: Int
    public var flips: Bool

    public init(padding: Int, flips: Bool) {
        self.padding = padding
        self.flips = flips
    }

    /// [N, H, W, C] → [N, H, W, C]; what is shifted in has the value `fill` of its channel.
    public func applied(to images: Tensor, fill: Tensor, from stream: RandomStream) throws -> Tensor {
        let (count, height, width) = (images.shape[0], images.shape[1], images.shape[2])
        let pixels = count * height * width
        var sources: [Int32] = []
        sources.reserveCapacity(pixels)
        for image in 0..<count {
            let draw = stream.derived(UInt64(image))
            let dy = padding == 0 ? 0 : draw.integer(below: 2 * padding + 1, at: 0) - padding
            let dx = padding == 0 ? 0 : draw.integer(below: 2 * padding + 1, at: 1) - padding
            let mirrored = flips && draw.uniform(at: 2) < 0.5
            for y in 0..<height {
                for x in 0..<width {
                    let (row, column) = (y + dy, (mirrored ? width - 1 - x : x) + dx)
                    let inside = (0..<height).contains(row) && (0..<width).contains(column)
                    sources.append(Int32(inside ? (image * height + row) * width + column : pixels))
                }
            }
        }
        let rows = try Tensor.concatenated(
            [
                images.reshaped(to: [pixels, images.shape[3]]),
                fill.reshaped(to: [1, images.shape[3]]),
            ], axis: 0)
        return try rows.rows(at: images.backend.tensor(sources, [pixels])).reshaped(to: images.shape)
    }
}
