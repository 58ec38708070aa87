/// When in a run something happens: what learning rates, warm-ups, dropout and temperatures depend on. The run makes
/// it, everything else reads it.
public struct TrainingTime: Sendable, Hashable {
    /// Of a search in stages, from 0.
    public var stage: Int
    /// Of the stage, from 0.
    public var epoch: Int
    /// How many epochs the stage has.
    public var epochs: Int
    /// How many epochs of the stage pass before the architecture steps.
    public var warmup: Int
    /// Of the whole run, from 0.
    public var step: Int
    /// Of the epoch, from 0.
    public var stepOfEpoch: Int
    /// How many steps an epoch has.
    public var stepsPerEpoch: Int

    /// Whether the architecture does not step yet.
    public var isWarmup: Bool { epoch < warmup }

    public init(
        stage: Int = 0, epoch: Int = 0, epochs: Int = 1, warmup: Int = 0, step: Int = 0,
        stepOfEpoch: Int = 0, stepsPerEpoch: Int = 1
    ) {
        self.stage = stage
        self.epoch = epoch
        self.epochs = epochs
        self.warmup = warmup
        self.step = step
        self.stepOfEpoch = stepOfEpoch
        self.stepsPerEpoch = stepsPerEpoch
    }
}
