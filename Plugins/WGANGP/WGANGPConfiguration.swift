import Adversarial
import ErrataCore
import NeuralNetworks

/// The size, the loss and the training of WGAN-GP; by default the authors' for CIFAR-10.
public struct WGANGPConfiguration: Sendable {
    /// The length of the noise vector z.
    public var noise = 128
    /// Channels of every layer of the generator.
    public var channels = 128
    public var discriminator = DiscriminatorChoice.backbone
    /// Channels of every layer of the native critic.
    public var discriminatorChannels = 128
    /// Whether the native critic has layer norm; else it has no normalisation.
    public var layerNorm = false
    /// λ of the paper: what the gradient penalty is multiplied by.
    public var penalty = 10.0
    public var penaltyStatistics = Statistics.batch
    /// Five critic steps for one of the generator, which follows them (Algorithm 1 of the paper).
    public var training: AdversarialTrainingSettings

    /// What batch norm of a backbone's critic normalises by in the penalty's pass.
    public enum Statistics: String, ConfigurationChoice { case batch, running }

    public init() {
        training = AdversarialTrainingSettings()
        training.generator = DescentSettings(
            rate: 2e-4, .init("adam", Adam(beta1: 0, beta2: 0.9)), schedule: .init("linear", LinearSchedule())
        )
        training.discriminator = training.generator
        (training.order, training.criticSteps) = (.alternating, 5)
    }

    var loss: WassersteinLoss {
        WassersteinLoss(penalty: penalty, normalization: penaltyStatistics == .running ? .running : .batch)
    }
}

extension WGANGPConfiguration: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("noise", \.noise, "the length of the noise vector z", .within(1...65_536)),
            .init("channels", \.channels, "channels of the generator's layers", .within(1...4096)),
            .init(
                "discriminator", \.discriminator,
                "the search space's backbone with A, as in the paper, or WGAN-GP's own critic"),
            .init(
                "discriminator_channels", \.discriminatorChannels, "channels of the native critic's layers",
                .within(1...4096)),
            .init("layer_norm", \.layerNorm, "whether the native critic has layer norm, else none"),
            .init("penalty", \.penalty, "the weight of the gradient penalty", .atLeast(0)),
            .init(
                "penalty_statistics", \.penaltyStatistics,
                "batch norm of a backbone's critic in the penalty's pass: the batch's statistics or running ones"
            ),
            .init("training", \.training, "how the generator and the critic train"),
        ]
    }
}

/// Adds the generator `wgan-gp`.
public struct WGANGPPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.generators.add(
            .init(
                "wgan-gp", "class-conditional WGAN with gradient penalty (Gulrajani et al., 2017)",
                configuration: WGANGPConfiguration.self
            ) { settings, context in
                try WGANGPGenerator(settings, for: context.images, backbone: context.backbone)
            })
    }
}
