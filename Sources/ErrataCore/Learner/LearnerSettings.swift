import NeuralNetworks

/// What one step of learning from mistakes is. The paper leaves most of these open; docs/mathematics.md says
/// what each choice means.
public struct LearnerSettings: Sendable, Hashable {
    /// Whether there are W1, a generator and synthetic images at all. Without, this is the plain search: W2
    /// descends the training loss, A the validation loss.
    public var lfm = true
    /// λ of Eq. 3. At 0 the synthetic term is left out, and A's trajectory is that of `lfm: false`.
    public var lambda = 1.0
    /// Whether W2 learns from synthetic images alone.
    public var syntheticOnly = false
    /// Whether Eq. 3 adds up a batch's synthetic losses or takes their mean.
    public var syntheticSum = BatchReduction.mean
    /// Whether synthetic images are cropped and flipped like real ones.
    public var augmentSynthetic = false
    /// Whether l_c and A's loss are taken on one validation batch or on two.
    public var validationBatches = ValidationBatches.shared
    /// Whether l_c's pass normalises by the batch's statistics or by running ones.
    public var weightingPass = WeightingPass.train
    /// The weight of the old value in the running estimate of each class's validation loss.
    public var estimateMomentum = 0.9
    /// Whether G and H step from the same point (Eq. 7, 8), or G after H.
    public var ganUpdate = GANUpdate.simultaneous
    /// Epochs at the start in which A does not step.
    public var architectureWarmup = 0
    /// Epochs at the start in which G and H train but W2 sees no synthetic image.
    public var generatorWarmup = 0
    public var weights = WeightOptimization()
    public var architecture = ArchitectureOptimization()
    public var gan = GANOptimization()

    public init() {}

    /// What becomes of a batch's losses.
    public enum BatchReduction: String, CaseIterable, Sendable { case mean, sum }
    /// Whether two losses are taken on one validation batch.
    public enum ValidationBatches: String, CaseIterable, Sendable { case shared, separate }
    /// Whose statistics batch norm takes: the batch's (`train`) or running ones (`eval`).
    public enum WeightingPass: String, CaseIterable, Sendable { case train, eval }
    /// Whether G's step sees H or H′.
    public enum GANUpdate: String, CaseIterable, Sendable { case simultaneous, alternating }
}

/// How W1 and W2 descend: SGD, its rate decayed by a cosine over the epochs.
public struct WeightOptimization: Sendable, Hashable {
    public var rate = 0.025
    public var minimumRate = 0.001
    public var momentum = 0.9
    public var weightDecay = 3e-4
    /// The largest joint norm of the gradients; `nil` does not clip.
    public var clip: Double? = 5

    public init() {}

    func schedule(epochs: Int) -> CosineSchedule {
        CosineSchedule(initial: rate, minimum: minimumRate, epochs: epochs)
    }
}

/// How A descends: Adam.
public struct ArchitectureOptimization: Sendable, Hashable {
    public var rate = 3e-4
    public var beta1 = 0.5
    public var beta2 = 0.999
    public var weightDecay = 1e-3

    public init() {}
}

/// How G and H descend: Adam.
public struct GANOptimization: Sendable, Hashable {
    public var generatorRate = 2e-4
    public var discriminatorRate = 2e-4
    public var beta1 = 0.5
    public var beta2 = 0.999

    public init() {}
}
