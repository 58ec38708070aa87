import ErrataCore
import NeuralNetworks
import TensorEngine

/// σ(α): candidates do not compete, and a loss draws each to 0 or 1 (Chu et al., 2020, FairDARTS, and its published code). α
/// begins at 0, as in its published code.
public struct SigmoidRelaxation: Relaxation, Configuration {
    /// w₀₁, the weight of the zero-one loss.
    public var zeroOneWeight = 10.0

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [.init("zero_one_weight", \.zeroOneWeight, "the weight of the zero-one loss", .atLeast(0))]
    }

    public var initializer: Initializer? { .zeros }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    { RelaxedWeights(try alpha.sigmoid()) }

    public func strengths(_ alpha: Tensor) throws -> Tensor { try alpha.sigmoid() }

    /// −w₀₁ · 1/N Σ (σ(α) − ½)², over all N parameters together.
    public func penalty(_ alphas: [Tensor], at time: TrainingTime) throws -> Tensor? {
        let all = try Tensor.concatenated(alphas.map { try $0.reshaped(to: [-1]) }, axis: 0)
        return try (all.sigmoid() - 0.5).squared().mean() * -zeroOneWeight
    }
}
