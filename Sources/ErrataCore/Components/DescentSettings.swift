import NeuralNetworks

/// How a model descends, as a file says it.
public struct DescentSettings: Configuration {
    public var rate: Double
    public var optimizer: Choice<OptimizerKind>
    public var schedule: Choice<ScheduleKind>
    public var clip: Double?

    public init(
        rate: Double, _ optimizer: Choice<OptimizerKind>,
        schedule: Choice<ScheduleKind> = .init("constant", ConstantSchedule()), clip: Double? = nil
    ) {
        self.rate = rate
        self.optimizer = optimizer
        self.schedule = schedule
        self.clip = clip
    }

    /// DARTS's for the weights of classifiers, those of the paper's Table 6.
    public init() {
        self.init(
            rate: 0.025, .init("sgd", SGD(momentum: 0.9, weightDecay: 3e-4)),
            schedule: .init("cosine", CosineSchedule(minimum: 0.001)), clip: 5)
    }

    /// DARTS's for the architecture, those of the paper's Table 6.
    public static var architecture: Self {
        .init(rate: 3e-4, .init("adam", Adam(beta1: 0.5, beta2: 0.999, weightDecay: 1e-3)))
    }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("rate", \.rate, "the first learning rate", .above(0)),
            .init("schedule", \.schedule, "how the learning rate changes"),
            .init("optimizer", \.optimizer, "the rule of a step"),
            .init(
                "clip", \.clip, "the largest norm of all gradients together; null does not clip",
                ifGiven: .above(0)),
        ]
    }

    public func validate() throws { try schedule.product.validate(from: rate) }

    public var descent: Descent {
        Descent(rate: rate, optimizer.product, schedule: schedule.product, clip: clip)
    }
}
