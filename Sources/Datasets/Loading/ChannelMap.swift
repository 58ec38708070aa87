import TensorEngine

/// y = scale·x + offset, per channel.
public struct ChannelMap: Sendable, Hashable {
    public let scale: [Double]
    public let offset: [Double]

    public init(scale: [Double], offset: [Double]) {
        self.scale = scale
        self.offset = offset
    }

    public var inverse: ChannelMap {
        ChannelMap(scale: scale.map { 1 / $0 }, offset: zip(scale, offset).map { -$1 / $0 })
    }

    /// The map applied to images [N, H, W, C]; differentiable.
    ///
    /// - Throws: `TensorError` if the images have another number of channels.
    public func callAsFunction(_ images: Tensor) throws -> Tensor {
        let backend = images.backend
        let shape: Shape = [scale.count]
        let (scale, offset) = try (backend.tensor(scale, shape), backend.tensor(offset, shape))
        return try images * scale.cast(to: images.dtype) + offset.cast(to: images.dtype)
    }
}
