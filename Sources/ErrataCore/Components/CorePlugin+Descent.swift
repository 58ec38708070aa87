import NeuralNetworks

extension CorePlugin {
    func registerDescent(in registry: inout PluginRegistry) throws {
        try registry.optimizers.add(
            .init("sgd", "stochastic gradient descent with momentum", configuration: SGD.self) { sgd, _ in sgd
            })
        try registry.optimizers.add(
            .init("adam", "Adam (Kingma and Ba, 2015)", configuration: Adam.self) { adam, _ in adam })
        try registry.schedules.add(
            .init("constant", "the first learning rate throughout", configuration: ConstantSchedule.self) {
                schedule, _ in schedule
            })
        try registry.schedules.add(
            .init(
                "cosine", "cosine decay over a stage's epochs (Loshchilov and Hutter, 2017)",
                configuration: CosineSchedule.self
            ) { schedule, _ in schedule })
        try registry.schedules.add(
            .init(
                "linear", "from one multiple of the first value to another, step by step",
                configuration: LinearSchedule.self
            ) { schedule, _ in schedule })
    }
}

extension SGD: Configuration {
    public init() { self.init(momentum: 0.9) }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("momentum", \.momentum, "of the velocity", .within(0..<1)),
            .init("weight_decay", \.weightDecay, "added to the gradient times the parameters", .atLeast(0)),
            .init("nesterov", \.nesterov, "whether a step is Nesterov's"),
        ]
    }
}

extension Adam: Configuration {
    public init() { self.init(beta1: 0.9) }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("beta1", \.beta1, "the decay of the first moment", .within(0..<1)),
            .init("beta2", \.beta2, "the decay of the second moment", .within(0..<1)),
            .init("epsilon", \.epsilon, "added to the root of the second moment", .above(0)),
            .init("weight_decay", \.weightDecay, "added to the gradient times the parameters", .atLeast(0)),
        ]
    }
}

extension ConstantSchedule: Configuration {
    public static var fields: [ConfigurationField<Self>] { [] }
}

extension LinearSchedule: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("start", \.start, "what the first value is multiplied by at the first step", .atLeast(0)),
            .init("end", \.end, "what it is multiplied by after the epochs", .atLeast(0)),
            .init(
                "epochs", \.epochs, "how many epochs the change takes; all of a stage where null",
                ifGiven: .atLeast(1)),
        ]
    }
}

extension CosineSchedule: Configuration {
    public init() { self.init(minimum: 0) }

    public static var fields: [ConfigurationField<Self>] {
        [.init("minimum", \.minimum, "the learning rate that the decay ends at", .atLeast(0))]
    }
}
