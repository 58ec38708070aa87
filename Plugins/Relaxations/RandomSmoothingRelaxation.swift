import ErrataCore
import TensorEngine

/// The softmax, to which noise uniform in ±ε is added where the model's weights train, never where A descends (Chen and
/// Hsieh, 2020, SDARTS, random smoothing); then clipped to [0, 1] and divided by its sum. ε grows over the epochs,
/// as in its published code: ε₀ + (ε₁ − ε₀)·epoch/epochs.
public struct RandomSmoothingRelaxation: Relaxation, Configuration {
    /// ε₀.
    public var radius = 0.03
    /// ε₁, which ε grows towards.
    public var finalRadius = 0.3

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("radius", \.radius, "of the perturbation in a stage's first epoch", .within(0...1)),
            .init("final_radius", \.finalRadius, "that it grows towards", .within(0...1)),
        ]
    }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    {
        let weights = try alpha.softmax()
        guard pass.purpose == .training else { return RelaxedWeights(weights) }
        let progress = Double(pass.time.epoch) / Double(max(pass.time.epochs, 1))
        let radius = radius + (finalRadius - radius) * progress
        let noise = try alpha.backend.tensor(
            (0..<alpha.count).map { (2 * pass.uniform($0) - 1) * radius }, alpha.shape)
        return RelaxedWeights(try (weights + noise.cast(to: alpha.dtype)).ontoDistributions())
    }
}

extension Tensor {
    /// Rows clipped to [0, 1] and divided by their sums; all at the largest element where nothing is above 0.
    fileprivate func ontoDistributions() throws -> Tensor {
        let clipped = try Tensor.minimum(relu(), filled(with: 1))
        let sums = try clipped.sum(axes: [1], keepingAxes: true)
        let isEmpty = try Tensor.equal(sums, sums.filled(with: 0))
        let largest = try Tensor.equal(self, detached.max(axes: [1], keepingAxes: true))
        return try (clipped + isEmpty * largest) / (sums + isEmpty)
    }
}
