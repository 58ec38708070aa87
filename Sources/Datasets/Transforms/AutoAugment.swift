import TensorEngine

/// One of 25 pairs of operations that were found for a data set, at random; each of a pair is applied with a probability of
/// its own (Cubuk et al., 2019).
public struct AutoAugment: ImageTransform, Hashable {
    /// What the pairs were found for.
    public enum Policy: String, Sendable, CaseIterable {
        case cifar10 = "cifar-10"
        case imageNet = "imagenet"
    }

    /// CIFAR-10's by default.
    public var policy = Policy.cifar10

    public init() {}

    public func apply(to image: inout PixelImage, random: RandomStream) {
        let pairs = policy == .cifar10 ? Self.cifar10 : Self.imageNet
        let pair = pairs[random.integer(below: pairs.count, at: 0)]
        for (place, step) in zip([UInt64(1), 3], [pair.0, pair.1]) {
            guard random.uniform(at: place) < step.probability else { continue }
            let isTurned = step.operation.hasDirection && random.integer(below: 2, at: place + 1) == 1
            step.operation.apply(to: &image, strength: step.magnitude / 9 * (isTurned ? -1 : 1))
        }
    }

    private typealias Step = (operation: ImageOperation, probability: Double, magnitude: Double)

    // Of the paper's appendix: an operation, its probability, and its strength of 9.

    private static let cifar10: [(Step, Step)] = [
        ((.invert, 0.1, 0), (.contrast, 0.2, 6)),
        ((.rotate, 0.7, 2), (.translateX, 0.3, 9)),
        ((.sharpness, 0.8, 1), (.sharpness, 0.9, 3)),
        ((.shearY, 0.5, 8), (.translateY, 0.7, 9)),
        ((.autocontrast, 0.5, 0), (.equalize, 0.9, 0)),
        ((.shearY, 0.2, 7), (.posterize, 0.3, 7)),
        ((.color, 0.4, 3), (.brightness, 0.6, 7)),
        ((.sharpness, 0.3, 9), (.brightness, 0.7, 9)),
        ((.equalize, 0.6, 0), (.equalize, 0.5, 0)),
        ((.contrast, 0.6, 7), (.sharpness, 0.6, 5)),
        ((.color, 0.7, 7), (.translateX, 0.5, 8)),
        ((.equalize, 0.3, 0), (.autocontrast, 0.4, 0)),
        ((.translateY, 0.4, 3), (.sharpness, 0.2, 6)),
        ((.brightness, 0.9, 6), (.color, 0.2, 8)),
        ((.solarize, 0.5, 2), (.invert, 0.0, 0)),
        ((.equalize, 0.2, 0), (.autocontrast, 0.6, 0)),
        ((.equalize, 0.2, 0), (.equalize, 0.6, 0)),
        ((.color, 0.9, 9), (.equalize, 0.6, 0)),
        ((.autocontrast, 0.8, 0), (.solarize, 0.2, 8)),
        ((.brightness, 0.1, 3), (.color, 0.7, 0)),
        ((.solarize, 0.4, 5), (.autocontrast, 0.9, 0)),
        ((.translateY, 0.9, 9), (.translateY, 0.7, 9)),
        ((.autocontrast, 0.9, 0), (.solarize, 0.8, 3)),
        ((.equalize, 0.8, 0), (.invert, 0.1, 0)),
        ((.translateY, 0.7, 9), (.autocontrast, 0.9, 0)),
    ]

    private static let imageNet: [(Step, Step)] = [
        ((.posterize, 0.4, 8), (.rotate, 0.6, 9)),
        ((.solarize, 0.6, 5), (.autocontrast, 0.6, 0)),
        ((.equalize, 0.8, 0), (.equalize, 0.6, 0)),
        ((.posterize, 0.6, 7), (.posterize, 0.6, 6)),
        ((.equalize, 0.4, 0), (.solarize, 0.2, 4)),
        ((.equalize, 0.4, 0), (.rotate, 0.8, 8)),
        ((.solarize, 0.6, 3), (.equalize, 0.6, 0)),
        ((.posterize, 0.8, 5), (.equalize, 1.0, 0)),
        ((.rotate, 0.2, 3), (.solarize, 0.6, 8)),
        ((.equalize, 0.6, 0), (.posterize, 0.4, 6)),
        ((.rotate, 0.8, 8), (.color, 0.4, 0)),
        ((.rotate, 0.4, 9), (.equalize, 0.6, 0)),
        ((.equalize, 0.0, 0), (.equalize, 0.8, 0)),
        ((.invert, 0.6, 0), (.equalize, 1.0, 0)),
        ((.color, 0.6, 4), (.contrast, 1.0, 8)),
        ((.rotate, 0.8, 8), (.color, 1.0, 2)),
        ((.color, 0.8, 8), (.solarize, 0.8, 7)),
        ((.sharpness, 0.4, 7), (.invert, 0.6, 0)),
        ((.shearX, 0.6, 5), (.equalize, 1.0, 0)),
        ((.color, 0.4, 0), (.equalize, 0.6, 0)),
        ((.equalize, 0.4, 0), (.solarize, 0.2, 4)),
        ((.solarize, 0.6, 5), (.autocontrast, 0.6, 0)),
        ((.invert, 0.6, 0), (.equalize, 1.0, 0)),
        ((.color, 0.6, 4), (.contrast, 1.0, 8)),
        ((.equalize, 0.8, 0), (.equalize, 0.6, 0)),
    ]
}
