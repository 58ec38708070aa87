import Datasets
import ErrataCore
import TensorEngine

extension ComponentCheck {
    /// Grey and colour images of several sizes: sizes stay, regions lie within, the same random numbers give the same
    /// image, and others change some image.
    mutating func check(_ transform: any ImageTransform) {
        var changes = false
        for (height, width, channels) in [(8, 8, 3), (9, 7, 1), (1, 1, 3), (32, 40, 3)] {
            let size = "a \(height)×\(width)×\(channels) image"
            let image = PixelImage(
                height: height, width: width, channels: channels,
                pixels: (0..<height * width * channels).map { UInt8(truncatingIfNeeded: $0 * $0 + 40 * $0) })
            for seed in 0..<UInt64(20) {
                let random = RandomStream(seed: seed, "transform")
                func transformed() -> PixelImage {
                    var result = image
                    transform.apply(to: &result, random: random)
                    return result
                }
                let result = transformed()
                expect(
                    "the size of \(size), transformed", [result.height, result.width, result.channels],
                    equals: [height, width, channels])
                expect(
                    result == transformed(), "\(size), transformed twice with the same random numbers",
                    found: "different images", expected: "the same")
                let region = transform.region(height: height, width: width, random: random)
                changes = changes || result != image || region != nil
                guard let region else { continue }
                expect(
                    min(region.top, region.left) >= 0 && min(region.height, region.width) > 0
                        && region.top + region.height <= height && region.left + region.width <= width,
                    "the region of \(size)", found: "\(region)", expected: "one within the image")
                expect(
                    "the region of \(size), again",
                    transform.region(height: height, width: width, random: random), equals: region)
            }
        }
        expect(changes, "images", found: "none changed in 80 trials", expected: "some that are")
    }
}
