import Glibc
import TensorEngine

/// Shapes and gratings of random place, size, tilt, colour and contrast in noise: a data set that needs no
/// files. Each image is a function of the stream and its index.
public struct ProceduralDataset: Dataset {
    public let name = "procedural"
    public let height: Int
    public let width: Int
    public let channels: Int
    public let labels: [Int32]
    private let noise: Double
    private let patterns: [Pattern]
    private let random: RandomStream

    /// - Parameters:
    ///   - count: the number of images; the classes take turns, so they are balanced.
    ///   - height: pixels.
    ///   - width: pixels.
    ///   - channels: 1 or 3.
    ///   - classes: 1 to 10.
    ///   - noise: the standard deviation of the noise added to each value, where 1 is white.
    ///   - random: another stream gives other images of the same classes.
    /// - Throws: `DatasetError` if the count, a size, the channels, the classes or the noise is out of range.
    public init(
        count: Int, height: Int = 32, width: Int = 32, channels: Int = 1, classes: Int = 10,
        noise: Double = 0.08, random: RandomStream
    ) throws {
        try require(count >= 1, name, "\(count) images, expected at least 1")
        try require(
            (4...4096).contains(height) && (4...4096).contains(width), name,
            "images of \(height)×\(width) pixels, expected 4...4096 each way")
        try require([1, 3].contains(channels), name, "\(channels) channels, expected 1 or 3")
        let most = Pattern.allCases.count
        try require((1...most).contains(classes), name, "\(classes) classes, expected 1...\(most)")
        try require((0...1).contains(noise), name, "noise \(noise), expected 0...1")
        self.height = height
        self.width = width
        self.channels = channels
        self.noise = noise
        self.random = random
        patterns = Array(Pattern.allCases.prefix(classes))
        labels = (0..<count).map { Int32($0 % classes) }
    }

    public var classNames: [String] { patterns.map(\.rawValue) }

    public func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        try requireImage(index, fits: buffer)
        let pattern = patterns[Int(labels[index])]
        var scene = Scene(self, random.derived(UInt64(index)))
        var position = 0
        for row in 0..<height {
            for column in 0..<width {
                let coverage = scene.coverage(of: pattern, row: row, column: column)
                for channel in 0..<channels {
                    let value = scene.background[channel] + coverage * scene.contrast[channel]
                    let byte = (255 * (value + noise * scene.noise.next())).rounded()
                    buffer[position] = UInt8(min(max(byte, 0), 255))
                    position += 1
                }
            }
        }
    }

    /// What is random about one image.
    private struct Scene {
        let center: SIMD2<Double>
        let radius: Double
        let cosine: Double
        let sine: Double
        var background: [Double] = []
        var contrast: [Double] = []
        var noise: Noise

        init(_ dataset: ProceduralDataset, _ random: RandomStream) {
            func draw(_ index: UInt64, in range: ClosedRange<Double>) -> Double {
                range.lowerBound + random.uniform(at: index) * (range.upperBound - range.lowerBound)
            }
            let size = SIMD2(Double(dataset.width), Double(dataset.height))
            radius = draw(0, in: 0.2...0.36) * size.min()
            center = size * SIMD2(draw(1, in: 0.36...0.64), draw(2, in: 0.36...0.64))
            let tilt = draw(3, in: -0.2...0.2)
            (cosine, sine) = (cos(tilt), sin(tilt))
            let isBright = random.uniform(at: 4) < 0.5
            let strength = draw(5, in: 0.35...0.75)
            for channel in 0..<UInt64(dataset.channels) {
                let change = strength * (channel == 0 ? 1 : draw(6 + channel, in: 0.5...1))
                let dark = draw(16 + channel, in: 0...(1 - change))
                background.append(isBright ? dark : dark + change)
                contrast.append(isBright ? change : -change)
            }
            noise = Noise(random.derived("noise"))
        }

        func coverage(of pattern: Pattern, row: Int, column: Int) -> Double {
            let offset = SIMD2(Double(column) + 0.5, Double(row) + 0.5) - center
            let tilted = SIMD2(
                cosine * offset.x + sine * offset.y, cosine * offset.y - sine * offset.x)
            return pattern.coverage(at: tilted, radius: radius)
        }
    }
}

/// Uniform noise of standard deviation 1, so within ±√3, in 256 levels: four values from each word.
private struct Noise {
    private let random: RandomStream
    private var position: UInt64 = 0
    private var word: UInt32 = 0

    init(_ random: RandomStream) { self.random = random }

    mutating func next() -> Double {
        word = position % 4 == 0 ? random.bits(at: position / 4) : word >> 8
        position += 1
        return (2 * (Double(word & 0xFF) + 0.5) / 256 - 1) * 3.squareRoot()
    }
}

/// The classes, in an order that makes the first few as different as can be.
private enum Pattern: String, CaseIterable {
    case disk
    case verticalGrating = "vertical grating"
    case square
    case horizontalGrating = "horizontal grating"
    case cross
    case ring
    case diagonalGrating = "diagonal grating"
    case triangle
    case checkerboard
    case saltire

    /// How much of a pixel the pattern covers, 0...1, at a place in pixels from the pattern's centre.
    func coverage(at place: SIMD2<Double>, radius: Double) -> Double {
        switch self {
        case .disk: outline(length(place) - radius)
        case .ring: outline(abs(length(place) - 0.75 * radius) - 0.22 * radius)
        case .square: outline(box(place, SIMD2(repeating: 0.85 * radius)))
        case .triangle: outline(triangle(place, 0.95 * radius))
        case .cross: outline(cross(place, radius))
        case .saltire: outline(cross(diagonal(place), radius))
        case .verticalGrating: 0.5 + 0.5 * wave(place.x, radius)
        case .horizontalGrating: 0.5 + 0.5 * wave(place.y, radius)
        case .diagonalGrating: 0.5 + 0.5 * wave(diagonal(place).x, radius)
        case .checkerboard: min(max(0.5 + wave(place.x, radius) * wave(place.y, radius), 0), 1)
        }
    }

    /// Antialiasing: the signed distance to the outline, in pixels, to coverage.
    private func outline(_ distance: Double) -> Double { min(max(0.5 - distance, 0), 1) }

    private func wave(_ x: Double, _ radius: Double) -> Double {
        sin(2 * .pi * x / max(0.8 * radius, 3))
    }

    private func length(_ v: SIMD2<Double>) -> Double { (v * v).sum().squareRoot() }

    private func diagonal(_ p: SIMD2<Double>) -> SIMD2<Double> {
        SIMD2(p.x + p.y, p.y - p.x) * 0.5.squareRoot()
    }

    private func box(_ p: SIMD2<Double>, _ half: SIMD2<Double>) -> Double {
        let excess = SIMD2(abs(p.x), abs(p.y)) - half
        return length(pointwiseMax(excess, .zero)) + min(excess.max(), 0)
    }

    private func cross(_ p: SIMD2<Double>, _ radius: Double) -> Double {
        min(box(p, SIMD2(radius, 0.28 * radius)), box(p, SIMD2(0.28 * radius, radius)))
    }

    /// The largest signed distance to the three sides of an equilateral triangle, one of them level.
    private func triangle(_ p: SIMD2<Double>, _ radius: Double) -> Double {
        max(p.y, abs(p.x) * 0.75.squareRoot() - 0.5 * p.y) - 0.5 * radius
    }
}
