import ErrataCore
import TensorEngine

/// What stands in for the measure of a class that the validation batch has no example of.
public enum AbsentClasses: String, ConfigurationChoice {
    /// The running mean of its measures in earlier batches, a constant; the mean of the batch's where there was none.
    case runningEstimate = "running-estimate"
    /// 0: no weight, where the weight is the measure.
    case zero
    /// The mean over the classes that the batch has.
    case mean

    /// Measures [C], 0 for the classes that the batch lacks, with what stands in for these.
    func completed(_ measures: Tensor, _ performance: ClassPerformance, _ estimates: ClassEstimates) throws
        -> Tensor
    {
        guard self != .zero else { return measures }
        let present = try Tensor.minimum(performance.counts, measures.filled(with: 1)).cast(to: .float64)
        // Absent classes have the measure 0, and what stands in for them is added; the mean is rounded once.
        let mean =
            try measures.cast(to: .float64).sum()
            / Tensor.maximum(present.sum(), present.backend.full(1, .scalar, .float64))
        var substitutes = try (1 - present) * mean
        if self == .runningEstimate {
            let shape: Shape = [estimates.values.count]
            let known = try measures.backend.tensor(estimates.values, shape)
            let seen = try measures.backend.tensor(estimates.seen.map { $0 ? 1.0 : 0 }, shape)
            substitutes = try (1 - present) * (seen * known + (1 - seen) * mean)
        }
        return try measures + substitutes.cast(to: measures.dtype)
    }
}
