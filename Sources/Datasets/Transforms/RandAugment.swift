import TensorEngine

/// Some of fourteen operations, all of one strength, at random (Cubuk et al., 2020).
public struct RandAugment: ImageTransform, Hashable {
    /// How many, one after another; 2 by default.
    public var operations = 2
    /// The strength of each, of 30; 9 by default.
    public var magnitude = 9.0

    public init() {}

    private static let choices: [ImageOperation] = [
        .identity, .shearX, .shearY, .translateX, .translateY, .rotate, .brightness, .color, .contrast,
        .sharpness,
        .posterize, .solarize, .autocontrast, .equalize,
    ]

    public func apply(to image: inout PixelImage, random: RandomStream) {
        for place in 0..<UInt64(operations) {
            let operation = Self.choices[random.integer(below: Self.choices.count, at: 2 * place)]
            let isTurned = operation.hasDirection && random.integer(below: 2, at: 2 * place + 1) == 1
            operation.apply(to: &image, strength: magnitude / 30 * (isTurned ? -1 : 1))
        }
    }
}
