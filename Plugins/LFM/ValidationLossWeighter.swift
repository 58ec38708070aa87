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
        guard absentClasses != .zero else { return losses }
        let present = try Tensor.minimum(performance.counts, losses.filled(with: 1)).cast(to: .float64)
        // Absent classes have the loss 0, and what stands in for them is added; the mean is rounded once.
        let mean = try losses.detached.cast(to: .float64).sum()
            / Tensor.maximum(present.sum(), present.backend.full(1, .scalar, .float64))
        var substitutes = try (1 - present) * mean
        if absentClasses == .runningEstimate {
            let shape: Shape = [estimates.losses.count]
            let known = try losses.backend.tensor(estimates.losses, shape)
            let seen = try losses.backend.tensor(estimates.seen.map { $0 ? 1.0 : 0 }, shape)
            substitutes = try (1 - present) * (seen * known + (1 - seen) * mean)
        }
        return try losses + substitutes.cast(to: losses.dtype)
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
