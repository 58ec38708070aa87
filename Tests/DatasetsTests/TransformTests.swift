import Datasets
import PictureTesting
import TensorEngine
import Testing

@Suite("Transforms")
struct TransformTests {
    private func stream(_ index: Int) -> RandomStream { RandomStream(seed: UInt64(index), "transforms") }

    @Test("A random resized crop has an area and a shape within its bounds, and they vary")
    func randomResizedCrop() throws {
        var crop = RandomResizedCrop()
        (crop.minimumArea, crop.maximumArea, crop.maximumRatio) = (0.25, 0.5, 1.5)
        let regions = (0..<300).map { crop.region(height: 200, width: 300, random: stream($0))! }
        for region in regions {
            let area = Double(region.height * region.width) / 60_000
            #expect((0.24...0.51).contains(area))
            let ratio = Double(region.width) / Double(region.height)
            #expect((1 / 1.55...1.55).contains(ratio))
            #expect(region.top >= 0 && region.top + region.height <= 200)
            #expect(region.left >= 0 && region.left + region.width <= 300)
        }
        #expect(regions.contains { $0.height > $0.width } && regions.contains { $0.height < $0.width })
        #expect(Set(regions.map(\.top)).count > 50 && Set(regions.map(\.left)).count > 50)
        // What never fits is the largest middle part of an allowed shape.
        (crop.minimumArea, crop.maximumArea) = (1, 1)
        #expect(
            crop.region(height: 10, width: 1000, random: stream(0))
                == PixelRegion(top: 0, left: 492, height: 10, width: 15))
    }

    @Test("Jitter mixes with black, the mean luma, or each pixel's own")
    func colorJitter() throws {
        let image = PixelImage(height: 1, width: 2, channels: 3, pixels: [100, 50, 0, 200, 200, 200])
        /// The factors that turn the image into what 200 draws make of it.
        func factors(_ jitter: ColorJitter, ground: (Int) -> Double) -> [Double] {
            (0..<200).compactMap { seed in
                var result = image
                jitter.apply(to: &result, random: stream(seed))
                let factor = (Double(result.pixels[0]) - ground(0)) / (100 - ground(0))
                for index in 0..<6 {
                    let expected = factor * Double(image.pixels[index]) + (1 - factor) * ground(index / 3)
                    #expect(abs(Double(result.pixels[index]) - min(max(expected, 0), 255)) < 3.5)
                }
                return factor
            }
        }
        var jitter = ColorJitter()
        (jitter.brightness, jitter.contrast, jitter.saturation) = (0.2, 0, 0)
        var found = factors(jitter) { _ in 0 }
        #expect((0.79...0.85).contains(found.min()!) && (1.15...1.21).contains(found.max()!))
        (jitter.brightness, jitter.contrast) = (0, 0.2)
        found = factors(jitter) { _ in (0.299 * 100 + 0.587 * 50 + 200) / 2 }
        #expect((0.75...0.86).contains(found.min()!) && (1.14...1.25).contains(found.max()!))
        (jitter.contrast, jitter.saturation) = (0, 0.2)
        found = factors(jitter) { $0 == 0 ? 0.299 * 100 + 0.587 * 50 : 200 }
        #expect((0.75...0.86).contains(found.min()!) && (1.14...1.25).contains(found.max()!))
        (jitter.saturation) = 0
        #expect(Set(factors(jitter) { _ in 0 }) == [1])
    }

    @Test("Hues turn by a part of the circle within the bound, all alike; value and saturation stay")
    func hue() throws {
        /// Hue as a part of the circle, saturation and value, by the hexagon's sectors.
        func hsv(_ color: ArraySlice<UInt8>) -> (hue: Double, saturation: Double, value: Double) {
            let parts = color.map(Double.init)
            let (low, high) = (parts.min()!, parts.max()!)
            let first = parts.firstIndex(of: high)!
            let (next, last) = (parts[(first + 1) % 3], parts[(first + 2) % 3])
            let hue = (Double(2 * first) + (next - last) / (high - low)) / 6
            return (hue - hue.rounded(.down), (high - low) / high, high)
        }
        let image = PixelImage(height: 1, width: 2, channels: 3, pixels: [250, 100, 40, 30, 180, 220])
        for bound in [0.1, 0.5] {
            var jitter = ColorJitter()
            (jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue) = (0, 0, 0, bound)
            let turns = (0..<200).map { seed in
                var turned = image
                jitter.apply(to: &turned, random: stream(seed))
                let shifts = [0, 3].map { start in
                    let before = hsv(image.pixels[start..<start + 3])
                    let after = hsv(turned.pixels[start..<start + 3])
                    #expect(after.value == before.value)
                    #expect(abs(after.saturation - before.saturation) < 0.01)
                    let shift = after.hue - before.hue
                    return shift - shift.rounded()
                }
                let difference = shifts[0] - shifts[1]
                #expect(abs(difference - difference.rounded()) < 0.01)
                return shifts[0]
            }
            #expect(turns.allSatisfy { abs($0) < bound + 0.005 })
            #expect(turns.min()! < -0.9 * bound && turns.max()! > 0.9 * bound)
        }
    }

    @Test("Lighting shifts all pixels alike, in proportion to its deviation")
    func lighting() throws {
        func shifts(_ deviation: Double) -> [[Int]] {
            var lighting = Lighting()
            lighting.deviation = deviation
            return (0..<400).map { seed in
                var image = plain(2, 2, [128, 128, 128])
                lighting.apply(to: &image, random: stream(seed))
                #expect(image.pixels[..<3] == image.pixels[9...])
                return image.pixels[..<3].map { Int($0) - 128 }
            }
        }
        func spread(_ shifts: [[Int]]) -> Double {
            (shifts.map { Double($0[0] * $0[0]) }.reduce(0, +) / Double(shifts.count)).squareRoot()
        }
        // The root of Σ (component·deviation)², of red, in bytes.
        let expected =
            255 * 0.1
            * ((0.5675 * 0.2175) * (0.5675 * 0.2175) + (0.7192 * 0.0188) * (0.7192 * 0.0188)).squareRoot()
        #expect(abs(spread(shifts(0.1)) / expected - 1) < 0.15)
        #expect(abs(spread(shifts(0.3)) / expected / 3 - 1) < 0.15)
        var grey = plain(2, 2, [7])
        Lighting().apply(to: &grey, random: stream(0))
        #expect(grey == plain(2, 2, [7]))
    }

    @Test("The operations of AutoAugment and RandAugment are Pillow's")
    func operations() throws {
        let all = try fixture("operations.rgb")
        let size = 37 * 52 * 3
        let photo = PixelImage(height: 37, width: 52, channels: 3, pixels: try fixture("photo.rgb"))
        let dim = PixelImage(height: 37, width: 52, channels: 3, pixels: photo.pixels.map { $0 / 2 + 30 })
        // Translations of 11 and −8 pixels; the others at half their strength.
        for (place, (operation, strength, tolerance))
            in ([
                (.identity, 0.5, 0), (.shearX, 0.5, 0), (.shearY, -0.5, 0), (.translateX, 0.48, 0),
                (.translateY, -0.48, 0),
                (.rotate, 0.5, 0), (.rotate, -0.5, 0), (.brightness, 0.5, 1), (.color, -0.5, 1),
                (.contrast, 0.5, 1),
                (.sharpness, 0.5, 1), (.posterize, 0.5, 0), (.solarize, 0.5, 0), (.autocontrast, 0, 0),
                (.equalize, 0, 0),
                (.invert, 0, 0),
            ] as [(ImageOperation, Double, Int)]).enumerated()
        {
            var image = operation == .autocontrast ? dim : photo
            operation.apply(to: &image, strength: strength)
            let expected = all[place * size..<(place + 1) * size]
            let furthest = zip(image.pixels, expected).map { abs(Int($0) - Int($1)) }.max()!
            #expect(furthest <= tolerance, "\(operation)")
        }
    }

    @Test("RandAugment applies so many operations of so much strength; AutoAugment a pair of its policy")
    func policies() throws {
        let photo = PixelImage(height: 37, width: 52, channels: 3, pixels: try fixture("photo.rgb"))
        /// How many of 300 images stay, and the mean difference of those that do not.
        func effect(_ transform: any ImageTransform) -> (same: Int, difference: Double, images: Set<[UInt8]>)
        {
            let images = (0..<300).map { seed in
                var image = photo
                transform.apply(to: &image, random: stream(seed))
                return image.pixels
            }
            let differences = images.map { image in
                zip(image, photo.pixels).reduce(0.0) { $0 + abs(Double($1.0) - Double($1.1)) } as Double
            }
            return (
                images.count { $0 == photo.pixels },
                differences.reduce(0, +) / Double(300 * photo.pixels.count),
                Set(images)
            )
        }
        func rand(_ operations: Int, _ magnitude: Double) -> RandAugment {
            var transform = RandAugment()
            (transform.operations, transform.magnitude) = (operations, magnitude)
            return transform
        }
        let (one, two, weak) = (effect(rand(1, 20)), effect(rand(2, 20)), effect(rand(1, 4)))
        // A fourteenth is the identity; autocontrast leaves this photograph as it is.
        #expect((20...70).contains(one.same) && two.same < one.same)
        #expect(two.difference > one.difference && one.difference > weak.difference)
        var auto = AutoAugment()
        let cifar = effect(auto)
        auto.policy = .imageNet
        let imageNet = effect(auto)
        #expect(cifar.images.count > 40 && imageNet.images.count > 25)
        #expect(!cifar.images.isSubset(of: imageNet.images) && !imageNet.images.isSubset(of: cifar.images))
    }

    @Test("A chain's transforms follow each other, with random numbers of their own, before the augmentation")
    func chain() throws {
        /// Adds a number, then doubles: no two orders give the same.
        struct Step: ImageTransform {
            let offset: Int
            func apply(to image: inout PixelImage, random: RandomStream) {
                for index in image.pixels.indices {
                    image.pixels[index] = UInt8(min((Int(image.pixels[index]) + offset) * 2, 255))
                }
            }
        }
        struct Draw: ImageTransform {
            func apply(to image: inout PixelImage, random: RandomStream) {
                image.pixels = image.pixels.map { _ in UInt8(random.integer(below: 256, at: 0)) }
            }
        }
        let set = try ArrayDataset(
            name: "one", height: 2, width: 2, channels: 1, classNames: ["a"], labels: [0, 0],
            pixels: [UInt8](1...8))
        func values(_ transforms: [any ImageTransform], step: Int = 0, originals: Bool = false) throws
            -> [Int]
        {
            let batch = try BatchLoader(
                set,
                .init(
                    batchSize: 2, shuffles: false, transforms: transforms, normalization: identity(),
                    includesOriginals: true), on: backend, random: RandomStream(seed: 1)
            ).batch(step: step)
            return try originals ? bytes(batch.originals! * 0.5 + 0.5) : bytes(batch.images)
        }
        #expect(try values([Step(offset: 1), Step(offset: 3)]) == (1...8).map { (($0 + 1) * 2 + 3) * 2 })
        #expect(try values([Step(offset: 1)], originals: true) == Array(1...8))
        let draws = try values([Draw()]) + values([Draw()], step: 1)
        #expect(Set(draws).count > 2)
        #expect(try values([Step(offset: 0), Draw()]) != values([Draw()]))
    }

    @Test("The first transform chooses from the picture as it is kept, a later one from what it is given")
    func regions() throws {
        struct Corner: ImageTransform {
            func region(height: Int, width: Int, random: RandomStream) -> PixelRegion? {
                PixelRegion(top: 0, left: 0, height: height / 2, width: width / 2)
            }
        }
        let set = try ArrayDataset(
            name: "one", height: 4, width: 4, channels: 1, classNames: ["a"], labels: [0],
            pixels: (0..<16).map { $0 % 4 < 2 && $0 < 8 ? $0 == 0 ? 255 : 100 : 0 })
        func image(_ transforms: [any ImageTransform]) throws -> [Int] {
            try bytes(
                BatchLoader(
                    set, .init(batchSize: 1, transforms: transforms, normalization: identity()), on: backend,
                    random: RandomStream(seed: 1)
                ).batch(step: 0).images)
        }
        #expect(try image([Corner()]).min()! == 100)
        #expect(try image([Corner(), Corner()]).min()! > 100)
    }
}

@Suite("Choosing the same part of every class")
struct StratifiedChoiceTests {
    @Test("takes the part of each class, all in all the right number, and depends on the stream alone")
    func shares() throws {
        let labels = (0..<1003).map { Int32($0 % 10 == 9 ? 4 : $0 % 4) }
        let random = RandomStream(seed: 1)
        let (chosen, rest) = StratifiedChoice.choose(0.25, of: labels, classes: 6, random: random)
        #expect(chosen.count == 251 && Set(chosen + rest) == Set(0..<1003) && rest.count == 752)
        for label in 0..<5 {
            let all = labels.count { $0 == label }
            let taken = chosen.count { labels[$0] == label }
            #expect(abs(Double(taken) - 0.25 * Double(all)) < 1)
        }
        #expect(StratifiedChoice.choose(0.25, of: labels, classes: 6, random: random).chosen == chosen)
        let other = StratifiedChoice.choose(0.25, of: labels, classes: 6, random: RandomStream(seed: 2))
        #expect(other.chosen != chosen)
        let small = StratifiedChoice.choose(0.1, of: labels, classes: 6, random: random)
        #expect(Set(small.chosen).isSubset(of: chosen))
    }
}
