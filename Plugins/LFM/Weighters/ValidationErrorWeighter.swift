import ErrataCore
import TensorEngine

/// Each class's share of images that the classifier gets wrong, another class's logit being larger. Not differentiable:
/// A is not told what its mistakes weigh.
public struct ValidationErrorWeighter: MeasuringWeighter {
    public var absentClasses = AbsentClasses.runningEstimate
    public var normalization = WeightNormalization.none
    public var isDifferentiable: Bool { false }

    public init() {}

    public func measures(_ performance: ClassPerformance) throws -> Tensor {
        let logits = performance.logits.detached
        let own = try (logits * performance.labels.oneHot(logits.shape[1], logits.dtype)).sum(axes: [1])
        return try performance.classMeans(of: Tensor.greater(logits.max(axes: [1]), own))
    }

    public static var fields: [ConfigurationField<Self>] { sharedFields }
}
