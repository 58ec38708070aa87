import Datasets
import TensorEngine

extension Augmentation {
    /// The augmentation of a batch of generated images as a differentiable operation, so that a gradient can
    /// pass to the generator they come from.
    ///
    /// - Parameters:
    ///   - images: [N, H, W, C], normalised.
    ///   - black: the normalised value of a black pixel [C], which crops bring in at the border.
    func applied(to images: Tensor, black: Tensor, random: RandomStream) throws -> Tensor {
        let (count, height, width, channels) = (
            images.shape[0], images.shape[1], images.shape[2], images.shape[3]
        )
        let pixels = count * height * width
        let (blackRow, zeroRow) = (Int32(pixels), Int32(pixels + 1))
        var sources: [Int32] = []
        sources.reserveCapacity(pixels)
        for image in 0..<count {
            let choice = choice(height: height, width: width, random: random.derived(UInt64(image)))
            for y in 0..<height {
                for x in 0..<width {
                    switch choice.source(row: y, column: x, height: height, width: width) {
                    case .pixel(let pixel): sources.append(Int32(image * height * width + pixel))
                    case .border: sources.append(blackRow)
                    case .cut: sources.append(zeroRow)
                    }
                }
            }
        }
        let rows = try Tensor.concatenated(
            [
                images.reshaped(to: [pixels, channels]), black.reshaped(to: [1, channels]),
                images.backend.zeros([1, channels], images.dtype),
            ], axis: 0)
        return try rows.rows(at: images.backend.tensor(sources, [pixels])).reshaped(to: images.shape)
    }
}
