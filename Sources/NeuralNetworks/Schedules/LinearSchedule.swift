/// From `start` to `end` times the first value over some epochs of a stage, step by step, and constant from then on: by
/// default the decay to 0 over the whole stage.
public struct LinearSchedule: Schedule, Hashable {
    /// What the first value is multiplied by at the first step.
    public var start: Double
    /// What it is multiplied by after the epochs.
    public var end: Double
    /// How many epochs the change takes; all of the stage where absent.
    public var epochs: Int?

    public init(start: Double, end: Double, epochs: Int? = nil) {
        self.start = start
        self.end = end
        self.epochs = epochs
    }

    public init() { self.init(start: 1, end: 0) }

    public func rate(from initial: Double, at time: TrainingTime) -> Double {
        let epoch = Double(time.epoch) + Double(time.stepOfEpoch) / Double(max(time.stepsPerEpoch, 1))
        let progress = min(epoch / Double(max(epochs ?? time.epochs, 1)), 1)
        return initial * (start + (end - start) * progress)
    }
}
