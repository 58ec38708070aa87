import ErrataCore
import TensorEngine

/// l_c(A, W1′, D_val): each class's weight is the classifier's validation loss on it (Eq. 3).
public struct ValidationLossWeighter: ClassWeighter {
    public var isDifferentiable: Bool { true }
    public var absentClasses: AbsentClasses

    /// What weight a class gets that the validation batch has no example of; a constant in each case.
    public enum AbsentClasses: String, ConfigurationChoice {
        /// The running mean of its losses in earlier batches; the mean of the batch's where there was none.
        case runningEstimate = "running-estimate"
        /// No weight.
        case zero
        /// The mean over the classes that the batch has.
        case mean
    }

    public init(absentClasses: AbsentClasses) { self.absentClasses = absentClasses }

    public func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        let losses = performance.losses
        guard absentClasses != .zero, performance.counts.contains(0) else { return losses }
        let values = try losses.doubles()
        let present = values.indices.filter { performance.counts[$0] > 0 }
        let mean = present.isEmpty ? 0 : present.reduce(0) { $0 + values[$1] } / Double(present.count)
        // The losses of absent classes are 0: what stands in for them is added.
        let substitutes = values.indices.map { index -> Double in
            guard performance.counts[index] == 0 else { return 0 }
            return absentClasses == .runningEstimate && estimates.seen[index] ? estimates.losses[index] : mean
        }
        return try losses + losses.backend.tensor(substitutes, [substitutes.count]).cast(to: losses.dtype)
    }
}

extension ValidationLossWeighter: Configuration {
    public init() { self.init(absentClasses: .runningEstimate) }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "absent_classes", \.absentClasses,
                "the weight of a class that the validation batch lacks: its running mean, none, or the mean of "
                    + "the others")
        ]
    }
}
