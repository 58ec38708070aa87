import TensorEngine

/// Brightness, contrast and saturation of a random strength each, in random order (Howard, 2013).
///
/// Each is a mixture f·image + (1 − f)·ground with f uniform in [max(0, 1 − s), 1 + s]. The ground is black for
/// brightness, the image's mean luma for contrast, and each pixel's luma for saturation. Grey images have no saturation.
public struct ColorJitter: ImageTransform, Hashable {
    /// s of brightness; 0.4 by default, as of the others.
    public var brightness = 0.4
    /// s of contrast.
    public var contrast = 0.4
    /// s of saturation.
    public var saturation = 0.4

    public init() {}

    public func apply(to image: inout PixelImage, random: RandomStream) {
        let order = random.derived("order").permutation(of: 3)
        for adjustment in order {
            let strength = [brightness, contrast, saturation][adjustment]
            guard strength > 0 else { continue }
            let least = max(0, 1 - strength)
            let factor = least + (1 + strength - least) * random.uniform(at: UInt64(adjustment))
            switch adjustment {
            case 0: image.mix(factor) { _ in 0 }
            case 1:
                let mean = image.meanLuma
                image.mix(factor) { _ in mean }
            default: if image.channels == 3 { image.mix(factor) { Double($0) } }
            }
        }
    }
}

extension PixelImage {
    /// factor·sample + (1 − factor)·ground(luma of the pixel), rounded and clipped.
    mutating func mix(_ factor: Double, ground: (_ luma: UInt8) -> Double) {
        let (count, channels) = (height * width, channels)
        pixels.withUnsafeMutableBufferPointer { pixels in
            for pixel in 0..<count {
                let start = pixel * channels
                let own =
                    channels == 3 ? luma(pixels[start], pixels[start + 1], pixels[start + 2]) : pixels[start]
                let offset = (1 - factor) * ground(own) + 0.5
                for index in start..<start + channels {
                    pixels[index] = UInt8(min(max(factor * Double(pixels[index]) + offset, 0), 255))
                }
            }
        }
    }

    /// The mean of all pixels' luma.
    var meanLuma: Double {
        var sum = 0
        for start in stride(from: 0, to: pixels.count, by: channels) {
            sum += Int(
                channels == 3 ? luma(pixels[start], pixels[start + 1], pixels[start + 2]) : pixels[start])
        }
        return Double(sum) / Double(height * width)
    }
}
