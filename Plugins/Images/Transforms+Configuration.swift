import Datasets
import ErrataCore

extension RandomResizedCrop: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "minimum_area", \.minimumArea, "the least part of the picture's area",
                .init("above 0 and at most 1") { $0 > 0 && $0 <= 1 }),
            .init(
                "maximum_area", \.maximumArea, "the largest part of the picture's area",
                .init("above 0 and at most 1") { $0 > 0 && $0 <= 1 }),
            .init(
                "maximum_ratio", \.maximumRatio, "of width and height, and of height and width",
                .within(1...100)),
        ]
    }

    public func validate() throws {
        guard minimumArea <= maximumArea else {
            throw DatasetError(
                "random-resized-crop",
                "minimum_area \(minimumArea), expected at most maximum_area, \(maximumArea)")
        }
    }
}

extension ColorJitter: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "brightness", \.brightness, "factors are within 1 ± this, and not negative", .within(0...10)),
            .init("contrast", \.contrast, "likewise", .within(0...10)),
            .init("saturation", \.saturation, "likewise", .within(0...10)),
            .init(
                "hue", \.hue, "hues are turned by at most this part of the circle; DARTS's code has 0.2",
                .within(0...0.5)),
        ]
    }
}

extension Lighting: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "deviation", \.deviation, "of the amount along each component, in its own deviations",
                .above(0))
        ]
    }
}

extension AutoAugment: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [.init("policy", \.policy, "the data set that the pairs of operations were found for")]
    }
}

extension AutoAugment.Policy: ConfigurationChoice {}

extension RandAugment: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("operations", \.operations, "how many, one after another", .within(1...14)),
            .init("magnitude", \.magnitude, "the strength of each, of 30", .within(0...30)),
        ]
    }
}

extension ImagesPlugin {
    func registerTransforms(in registry: inout PluginRegistry) throws {
        try registry.transforms.add(
            .init(
                "random-resized-crop", "a part of random area and shape, brought to the images' size",
                configuration: RandomResizedCrop.self
            ) { transform, _ in transform })
        try registry.transforms.add(
            .init(
                "color-jitter", "brightness, contrast, saturation and hue at random",
                configuration: ColorJitter.self
            ) { transform, _ in transform })
        try registry.transforms.add(
            .init(
                "auto-augment", "one of 25 pairs of operations found for a data set (Cubuk et al., 2019)",
                configuration: AutoAugment.self
            ) { transform, _ in transform })
        try registry.transforms.add(
            .init(
                "rand-augment", "some operations of one strength (Cubuk et al., 2020)",
                configuration: RandAugment.self
            ) { transform, _ in transform })
        try registry.transforms.add(
            .init(
                "lighting", "a shift along the principal components of ImageNet's colours",
                configuration: Lighting.self
            ) { transform, _ in transform })
    }
}
