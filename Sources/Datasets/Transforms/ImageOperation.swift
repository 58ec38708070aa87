import Glibc

/// What AutoAugment and RandAugment choose from, of a strength from 0 to 1 (Cubuk et al., 2019 and 2020): the ranges of
/// their code, with no more of a picture moved in than black.
package enum ImageOperation: Sendable {
    case identity, shearX, shearY, translateX, translateY, rotate
    case brightness, color, contrast, sharpness
    case posterize, solarize, autocontrast, equalize, invert

    /// Whether its strength has a direction: a sign that is drawn.
    var hasDirection: Bool {
        switch self {
        case .shearX, .shearY, .translateX, .translateY, .rotate, .brightness, .color, .contrast, .sharpness:
            true
        default: false
        }
    }

    /// - Parameters:
    ///   - image: of 1 or 3 channels.
    ///   - strength: from 0 to 1, or from −1 where it has a direction.
    package func apply(to image: inout PixelImage, strength: Double) {
        let enhancement = 1 + 0.9 * strength
        switch self {
        case .identity: break
        case .shearX: image.move { (x: $0 + 0.3 * strength * $1, y: $1) }
        case .shearY: image.move { (x: $0, y: $1 + 0.3 * strength * $0) }
        case .translateX:
            let shift = (150.0 / 331 * Double(image.width) * strength).rounded(.towardZero)
            image.move { (x: $0 - shift, y: $1) }
        case .translateY:
            let shift = (150.0 / 331 * Double(image.height) * strength).rounded(.towardZero)
            image.move { (x: $0, y: $1 - shift) }
        case .rotate:
            let angle = strength * .pi / 6
            let (cosine, sine) = (cos(angle), sin(angle))
            let (middleX, middleY) = (Double(image.width) / 2, Double(image.height) / 2)
            image.move { x, y in
                let (x, y) = (x - middleX, y - middleY)
                return (x: cosine * x - sine * y + middleX, y: sine * x + cosine * y + middleY)
            }
        case .brightness: image.mix(enhancement, ground: 0)
        case .color: image.saturate(enhancement)
        case .contrast: image.mix(enhancement, ground: image.meanLuma)
        case .sharpness: image.sharpen(enhancement)
        case .posterize:
            let mask = 0xFF << Int((4 * strength).rounded(.toNearestOrEven))
            image.replaceSamples { Double(Int($0) & mask) }
        case .solarize: image.replaceSamples { $0 >= 255 * (1 - strength) ? 255 - $0 : $0 }
        case .autocontrast: image.replaceSamples(byHistogram: Self.stretched)
        case .equalize: image.replaceSamples(byHistogram: Self.equalized)
        case .invert: image.replaceSamples { 255 - $0 }
        }
    }

    /// The samples of a channel from black to white.
    private static func stretched(_ histogram: [Int]) -> [UInt8] {
        let (low, high) = (histogram.firstIndex { $0 > 0 }!, histogram.lastIndex { $0 > 0 }!)
        guard high > low else { return Array(0...255) }
        let scale = 255 / Double(high - low)
        return (0..<256).map { UInt8(min(max(Double($0) * scale - Double(low) * scale, 0), 255)) }
    }

    /// The samples of a channel spread so that each is about as frequent.
    private static func equalized(_ histogram: [Int]) -> [UInt8] {
        let step = (histogram.reduce(0, +) - histogram.last { $0 > 0 }!) / 255
        guard step > 0 else { return Array(0...255) }
        var sum = step / 2
        return histogram.map { count in
            defer { sum += count }
            return UInt8(min(sum / step, 255))
        }
    }
}

extension PixelImage {
    /// Takes each pixel from where a map says, by its middle and the nearest; from outside it is black.
    mutating func move(_ source: (_ x: Double, _ y: Double) -> (x: Double, y: Double)) {
        let before = pixels
        for y in 0..<height {
            for x in 0..<width {
                let place = source(Double(x) + 0.5, Double(y) + 0.5)
                let (column, row) = (place.x.rounded(.down), place.y.rounded(.down))
                let isWithin = column >= 0 && column < Double(width) && row >= 0 && row < Double(height)
                let start = isWithin ? (Int(row) * width + Int(column)) * channels : 0
                for channel in 0..<channels {
                    pixels[(y * width + x) * channels + channel] = isWithin ? before[start + channel] : 0
                }
            }
        }
    }

    /// factor·sample + (1 − factor)·mean of the 3×3 pixels around, the middle one five times; the border stays.
    mutating func sharpen(_ factor: Double) {
        guard height > 2, width > 2 else { return }
        let before = pixels
        let row = width * channels
        for y in 1..<height - 1 {
            for index in y * row + channels..<(y + 1) * row - channels {
                var sum = 4 * Int(before[index])
                for line in [index - row, index, index + row] {
                    sum += Int(before[line - channels]) + Int(before[line]) + Int(before[line + channels])
                }
                let value = factor * Double(before[index]) + (1 - factor) * (Double(sum) / 13).rounded()
                pixels[index] = UInt8(min(max(value, 0), 255).rounded())
            }
        }
    }

    /// Puts for each sample what its channel's histogram makes of it.
    mutating func replaceSamples(byHistogram table: ([Int]) -> [UInt8]) {
        for channel in 0..<channels {
            var histogram = [Int](repeating: 0, count: 256)
            for index in stride(from: channel, to: pixels.count, by: channels) {
                histogram[Int(pixels[index])] += 1
            }
            let values = table(histogram)
            for index in stride(from: channel, to: pixels.count, by: channels) {
                pixels[index] = values[Int(pixels[index])]
            }
        }
    }
}
