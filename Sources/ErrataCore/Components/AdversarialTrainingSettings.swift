import NeuralNetworks

/// How a generator and its discriminator train, as a file says it: the section `training` of a generator.
public struct AdversarialTrainingSettings: Configuration {
    public var generator: DescentSettings
    public var discriminator: DescentSettings
    public var order = Order.simultaneous
    public var criticSteps = 1
    public var accumulation = 1
    public var average: Double?

    /// From which point the two step.
    public enum Order: String, ConfigurationChoice { case simultaneous, alternating }

    /// Adam as adversarial networks have it (Radford, Metz and Chintala, 2016), at the paper's rate (Table 6).
    public init() {
        generator = DescentSettings(rate: 2e-4, .init("adam", Adam(beta1: 0.5, beta2: 0.999)))
        discriminator = generator
    }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("generator", \.generator, "how G descends"),
            .init("discriminator", \.discriminator, "how H descends"),
            .init("order", \.order, "whether G and H step from the same point (Eq. 7, 8), or G after H"),
            .init("critic_steps", \.criticSteps, "steps of H for one of G", .within(1...100)),
            .init(
                "accumulation", \.accumulation, "batches whose gradients one step averages", .within(1...1000)
            ),
            .init(
                "average", \.average,
                "the decay of a moving average of G's weights, such as 0.999; none where null",
                ifGiven: .within(0..<1)),
        ]
    }

    public var training: AdversarialTraining {
        var result = AdversarialTraining(
            generator: generator.descent, discriminator: discriminator.descent)
        result.isSimultaneous = order == .simultaneous
        result.criticSteps = criticSteps
        result.accumulation = accumulation
        result.average = average
        return result
    }
}
