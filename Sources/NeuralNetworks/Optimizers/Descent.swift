/// How a model's parameters descend: from what learning rate, by what rule, on what schedule.
public struct Descent: Sendable {
    /// The first learning rate.
    public var rate: Double
    public var optimizer: any Optimizer
    public var schedule: any Schedule
    /// The largest joint Euclidean norm of the gradients; `nil` does not clip.
    public var clip: Double?

    public init(
        rate: Double, _ optimizer: any Optimizer, schedule: any Schedule = ConstantSchedule(),
        clip: Double? = nil
    ) {
        self.rate = rate
        self.optimizer = optimizer
        self.schedule = schedule
        self.clip = clip
    }

    /// The learning rate at a time.
    public func rate(at time: TrainingTime) -> Double { schedule.rate(from: rate, at: time) }
}
