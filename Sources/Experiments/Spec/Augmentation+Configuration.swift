import Datasets
import ErrataCore

extension Augmentation: Configuration {
    public init() { self.init(cropPadding: 0) }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "crop_padding", \.cropPadding, "the black border in pixels that a random crop may reach into",
                .atLeast(0)),
            .init("horizontal_flip", \.horizontalFlip, "mirror every other image at random"),
            .init(
                "cutout", \.cutoutLength, "the side in pixels of a square set to 0; 0 for none", .atLeast(0)),
        ]
    }
}
