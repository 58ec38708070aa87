import Adversarial
import ErrataCore

/// The size and the losses of DCGAN.
public struct DCGANConfiguration: Sendable {
    /// The length of the noise vector z.
    public var noise = 100
    /// The length of a class's embedding, which is joined to z.
    public var embedding = 32
    /// Channels of the layer before the image; each layer before has twice as many.
    public var channels = 32
    public var discriminator = DiscriminatorChoice.backbone
    /// Channels of the native discriminator's first layer; each layer after has twice as many.
    public var discriminatorChannels = 32
    public var loss = AdversarialLoss.nonSaturating
    public var training = AdversarialTrainingSettings()

    public init() {}
}

extension DCGANConfiguration: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("noise", \.noise, "the length of the noise vector z", .within(1...65_536)),
            .init("embedding", \.embedding, "the length of a class's embedding", .within(1...65_536)),
            .init(
                "channels", \.channels, "channels before the image; each layer before has twice as many",
                .within(1...4096)),
            .init(
                "discriminator", \.discriminator,
                "the search space's backbone with A, as in the paper, or DCGAN's own"),
            .init(
                "discriminator_channels", \.discriminatorChannels,
                "channels of the native discriminator's first layer; each after has twice as many",
                .within(1...4096)),
            .init("loss", \.loss, "what the generator descends"),
            .init("training", \.training, "how the generator and the discriminator train"),
        ]
    }
}

/// Adds the generator `dcgan`.
public struct DCGANPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.generators.add(
            .init(
                "dcgan", "class-conditional DCGAN (Radford, Metz and Chintala, 2016)",
                configuration: DCGANConfiguration.self
            ) { settings, context in
                try DCGANGenerator(settings, for: context.images, backbone: context.backbone)
            })
    }
}
