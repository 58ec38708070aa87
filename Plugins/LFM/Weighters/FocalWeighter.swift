import ErrataCore
import TensorEngine

/// Each class's mean focal loss (1 − p)^γ·(−log p), p being the probability of the true class (Lin et al., 2017, Eq. 4
/// without its α): what is nearly right counts little.
public struct FocalWeighter: MeasuringWeighter {
    /// γ; 0 is the cross-entropy.
    public var gamma = 2.0
    public var absentClasses = AbsentClasses.runningEstimate
    public var normalization = WeightNormalization.none
    public var isDifferentiable: Bool { true }

    public init() {}

    public func measures(_ performance: ClassPerformance) throws -> Tensor {
        let losses = performance.crossEntropies
        // (1 − e^(−x))^γ = exp(γ log(1 − e^(−x))); where p rounds to 1 the loss is 0 to any power.
        let wrong = try 1 - losses.negated().exp()
        let isWrong = try Tensor.greater(wrong, wrong.filled(with: 0))
        let factor = try isWrong * ((wrong + (1 - isWrong)).log() * gamma).exp()
        return try performance.classMeans(of: factor * losses)
    }

    public static var fields: [ConfigurationField<Self>] {
        [.init("gamma", \.gamma, "the power of 1 − p; 0 is the cross-entropy", .atLeast(0))] + sharedFields
    }
}
