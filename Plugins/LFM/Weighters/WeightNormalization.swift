import ErrataCore
import TensorEngine

/// What becomes of all class weights together.
public enum WeightNormalization: String, ConfigurationChoice {
    /// Nothing.
    case none
    /// They are divided by their mean, so that it is 1 and λ weighs synthetic images against real ones whatever the size
    /// of the losses. The mean is differentiated too. Where all are 0 they stay so.
    case mean

    func callAsFunction(_ weights: Tensor) throws -> Tensor {
        guard self == .mean else { return weights }
        let mean = try weights.mean()
        return try weights / (mean + Tensor.equal(mean, mean.filled(with: 0)))
    }
}
