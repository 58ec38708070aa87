import TensorEngine

/// The same shift of colour for all pixels, along the principal components of ImageNet's colours (Krizhevsky et al., 2012).
/// Grey images stay as they are.
public struct Lighting: ImageTransform, Hashable {
    /// Of the normal random numbers that the components are multiplied by, besides the root of their variance; 0.1 by
    /// default.
    public var deviation = 0.1

    public init() {}

    /// Of colours in [0, 1] of ImageNet's training images, as published with the method's code.
    private static let deviations = [0.2175, 0.0188, 0.0045]
    /// A row for each channel, a column for each component.
    private static let components = [
        [-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203],
    ]

    public func apply(to image: inout PixelImage, random: RandomStream) {
        guard image.channels == 3 else { return }
        let amounts = (0..<3).map { deviation * random.normal(at: UInt64($0)) * Self.deviations[$0] }
        let shifts = Self.components.map { row in
            255 * zip(row, amounts).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let tables = shifts.map { shift in
            (0..<256).map { UInt8(min(max((Double($0) + shift).rounded(), 0), 255)) }
        }
        image.pixels.withUnsafeMutableBufferPointer { pixels in
            for start in stride(from: 0, to: pixels.count, by: 3) {
                for channel in 0..<3 {
                    pixels[start + channel] = tables[channel][Int(pixels[start + channel])]
                }
            }
        }
    }
}
