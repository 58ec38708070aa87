import ErrataCore

/// How often the size of images halves: the grid that a generator of doubling layers begins with, and a discriminator
/// of halving ones ends with.
///
/// Height and width are halved together while both are even and both above 4: 32×32 is 4×4 doubled three times, 28×28
/// is 7×7 doubled twice, 48×32 is 6×4 doubled three times.
public struct Halvings: Sendable, Hashable {
    /// At least 1.
    public let count: Int
    /// Of the smallest grid, in pixels.
    public let height: Int
    /// Of the smallest grid, in pixels.
    public let width: Int

    /// - Parameters:
    ///   - images: what is to be made.
    ///   - generator: its name, for messages.
    /// - Throws: `GeneratorError` if the size does not halve even once.
    public init(of images: ImageSpecification, for generator: String) throws {
        var (count, height, width) = (0, images.height, images.width)
        while min(height, width) > 4, height % 2 == 0, width % 2 == 0 {
            (count, height, width) = (count + 1, height / 2, width / 2)
        }
        guard count > 0 else {
            func enough(_ extent: Int) -> Int { max(6, extent + extent % 2) }
            throw GeneratorError(
                "\(generator) makes images whose height and width are even and at least 6 pixels, the data's are "
                    + "\(images.height)×\(images.width): \(enough(images.height))×\(enough(images.width)) would do, "
                    + "so pad them")
        }
        (self.count, self.height, self.width) = (count, height, width)
    }
}
