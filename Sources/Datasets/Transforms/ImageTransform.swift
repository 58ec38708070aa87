import TensorEngine

/// A way to vary training images: one of a chain, each of which is given what the one before has made.
///
/// What a transform does to an image is decided by the random numbers that it is given, which depend on the run's seed,
/// the epoch, the image's place in the epoch and the transform's place in the chain, and on nothing else.
public protocol ImageTransform: Sendable {
    /// The part of a picture that is brought to the images' size, where the transform chooses one; `nil`, the default,
    /// where it leaves that to others.
    ///
    /// The first transform of a chain chooses from the picture in the size that it is kept in, a file's own; a later
    /// one from what it is given.
    func region(height: Int, width: Int, random: RandomStream) -> PixelRegion?

    /// Changes an image; by default it stays as it is.
    ///
    /// - Parameters:
    ///   - image: of 1 or 3 channels, where it is not otherwise documented; its size stays.
    ///   - random: of this image in this epoch.
    func apply(to image: inout PixelImage, random: RandomStream)
}

extension ImageTransform {
    public func region(height: Int, width: Int, random: RandomStream) -> PixelRegion? { nil }
    public func apply(to image: inout PixelImage, random: RandomStream) {}
}

/// Transforms one after another.
struct TransformChain {
    let transforms: [any ImageTransform]

    /// An image of a data set, transformed.
    func image(_ index: Int, of dataset: any Dataset, random: RandomStream) throws -> PixelImage {
        let streams = transforms.indices.map { random.derived("transform").derived(UInt64($0)) }
        var image = PixelImage(
            height: dataset.height, width: dataset.width, channels: dataset.channels,
            pixels: try [UInt8](unsafeUninitializedCapacity: dataset.imageByteCount) { buffer, filled in
                filled = dataset.imageByteCount
                try dataset.copyImage(
                    index, of: { transforms.first?.region(height: $0, width: $1, random: streams[0]) },
                    into: UnsafeMutableBufferPointer(rebasing: buffer[..<filled]))
            })
        for (place, transform) in transforms.enumerated() {
            if place > 0,
                let region = transform.region(
                    height: image.height, width: image.width, random: streams[place])
            {
                image = image.resized(region, height: image.height, width: image.width)
            }
            transform.apply(to: &image, random: streams[place])
        }
        return image
    }
}
