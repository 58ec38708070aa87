import TensorEngine

/// x·scale + offset, for each channel.
public struct ChannelAffine: Sendable, Hashable {
    public let scale: [Double]
    public let offset: [Double]

    public init(scale: [Double], offset: [Double]) {
        self.scale = scale
        self.offset = offset
    }

    /// [..., C] → [..., C], differentiable.
    public func callAsFunction(_ x: Tensor) throws -> Tensor {
        let backend = x.backend
        return try x * backend.tensor(scale, [scale.count]).cast(to: x.dtype)
            + backend.tensor(offset, [offset.count]).cast(to: x.dtype)
    }
}
