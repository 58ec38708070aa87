import TensorEngine

/// Brightness, contrast, saturation and hue of a random strength each, in random order (Howard, 2013).
///
/// The first three are a mixture f·image + (1 − f)·ground with f uniform in [max(0, 1 − s), 1 + s]. The ground is black for
/// brightness, the image's mean luma for contrast, and each pixel's luma for saturation. Hues are turned by a part of the
/// circle that is uniform in [−s, s]. Grey images have neither saturation nor hue.
public struct ColorJitter: ImageTransform, Hashable {
    /// s of brightness; 0.4 by default, as of the next two.
    public var brightness = 0.4
    /// s of contrast.
    public var contrast = 0.4
    /// s of saturation.
    public var saturation = 0.4
    /// s of the hue, at most 0.5; 0 by default. DARTS's code has 0.2 for ImageNet.
    public var hue = 0.0

    public init() {}

    public func apply(to image: inout PixelImage, random: RandomStream) {
        for adjustment in random.derived("order").permutation(of: 4) {
            let strength = [brightness, contrast, saturation, hue][adjustment]
            guard strength > 0 else { continue }
            let draw = random.uniform(at: UInt64(adjustment))
            let least = max(0, 1 - strength)
            let factor = least + (1 + strength - least) * draw
            switch adjustment {
            case 0: image.mix(factor, ground: 0)
            case 1: image.mix(factor, ground: image.meanLuma)
            case 2: image.saturate(factor)
            default: image.turnHue(strength * (2 * draw - 1))
            }
        }
    }
}

extension PixelImage {
    /// factor·sample + (1 − factor)·ground, rounded and clipped.
    mutating func mix(_ factor: Double, ground: Double) {
        replaceSamples { factor * $0 + (1 - factor) * ground }
    }

    /// Puts another value, rounded and clipped, for each that a sample has.
    mutating func replaceSamples(by value: (Double) -> Double) {
        let table = (0..<256).map { UInt8(min(max(value(Double($0)), 0), 255).rounded()) }
        table.withUnsafeBufferPointer { table in
            pixels.withUnsafeMutableBufferPointer { pixels in
                for index in pixels.indices { pixels[index] = table[Int(pixels[index])] }
            }
        }
    }

    /// factor·sample + (1 − factor)·luma of the pixel, rounded and clipped.
    mutating func saturate(_ factor: Double) {
        guard channels == 3 else { return }
        let weight = Int((factor * 65536).rounded())
        pixels.withUnsafeMutableBufferPointer { pixels in
            for start in stride(from: 0, to: pixels.count, by: 3) {
                let own = Int(luma(pixels[start], pixels[start + 1], pixels[start + 2]))
                let ground = (65536 - weight) * own + 32768
                for index in start..<start + 3 {
                    pixels[index] = UInt8(min(max((weight * Int(pixels[index]) + ground) >> 16, 0), 255))
                }
            }
        }
    }

    /// Turns each pixel's hue (Smith, 1978) by a part of the circle; its value and its saturation stay.
    mutating func turnHue(_ turn: Double) {
        guard channels == 3 else { return }
        let shift = Float(6 * (turn - turn.rounded(.down)))
        pixels.withUnsafeMutableBufferPointer { pixels in
            for start in stride(from: 0, to: pixels.count, by: 3) {
                let (red, green, blue) = (
                    Float(pixels[start]), Float(pixels[start + 1]), Float(pixels[start + 2])
                )
                let value = max(red, green, blue)
                let chroma = value - min(red, green, blue)
                guard chroma > 0 else { continue }
                let hue =
                    value == red
                    ? (green - blue) / chroma + 6
                    : value == green ? (blue - red) / chroma + 2 : (red - green) / chroma + 4
                for (channel, offset) in [Float(5), 3, 1].enumerated() {
                    let place = (offset + hue + shift).truncatingRemainder(dividingBy: 6)
                    let part = max(0, min(place, 4 - place, 1))
                    pixels[start + channel] = UInt8((value - chroma * part).rounded())
                }
            }
        }
    }

    /// The mean of all pixels' luma.
    var meanLuma: Double {
        guard channels == 3 else { return Double(pixels.reduce(0) { $0 + Int($1) }) / Double(pixels.count) }
        return pixels.withUnsafeBufferPointer { pixels in
            var sum = 0
            for start in stride(from: 0, to: pixels.count, by: 3) {
                sum += Int(luma(pixels[start], pixels[start + 1], pixels[start + 2]))
            }
            return Double(sum) / Double(pixels.count / 3)
        }
    }
}
