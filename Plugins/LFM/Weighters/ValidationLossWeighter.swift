import ErrataCore
import TensorEngine

/// l_c(A, W1′, D_val): each class's weight is the classifier's validation loss on it (Eq. 3).
public struct ValidationLossWeighter: MeasuringWeighter {
    public var absentClasses: AbsentClasses
    public var normalization: WeightNormalization
    public var isDifferentiable: Bool { true }

    public init(
        absentClasses: AbsentClasses = .runningEstimate, normalization: WeightNormalization = .none
    ) {
        self.absentClasses = absentClasses
        self.normalization = normalization
    }

    public init() { self.init(absentClasses: .runningEstimate) }

    public static var fields: [ConfigurationField<Self>] { sharedFields }
}
