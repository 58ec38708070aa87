import ErrataCore
import TensorEngine

/// The softmax, with Gaussian noise on what skip connections hand on while a network trains (Chu et al., 2020,
/// NoisyDARTS): unbiased, its deviation a multiple of the feature maps' own. Gradients flow through that deviation,
/// which the published code holds constant.
public struct NoisyRelaxation: Relaxation, Configuration {
    /// λ, the noise's deviation in that of what the skip hands on.
    public var deviation = 0.2
    /// μ, the noise's mean.
    public var mean = 0.0

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("deviation", \.deviation, "of the noise, in that of the feature maps", .atLeast(0)),
            .init("mean", \.mean, "of the noise"),
        ]
    }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    { RelaxedWeights(try alpha.softmax()) }

    public func transformation(of candidate: String) -> Transformation? {
        guard candidate == skipConnection else { return nil }
        return { x, context in
            guard context.isTraining else { return x }
            let variance = try (x - x.mean()).squared().sum() / Double(max(x.count - 1, 1))
            let noise = try x.backend.normal(
                x.shape, x.dtype, from: context.random.derived("skip noise"))
            return try x + (noise * (variance.squareRoot() * deviation) + mean)
        }
    }
}
