import ErrataCore
import TensorEngine

/// softmax(w/T) of another weighter's weights w: near uniform for large T, all on the worst class for small T.
public struct SoftmaxWeighter: ClassWeighter {
    public var base = Choice<ClassWeighterKind>("validation-loss", ValidationLossWeighter())
    /// T.
    public var temperature = 1.0
    /// By default the weights' mean is 1, and not their sum.
    public var normalization = WeightNormalization.mean
    public var isDifferentiable: Bool { base.product.isDifferentiable }

    public init() {}

    public func measures(_ performance: ClassPerformance) throws -> Tensor {
        try base.product.measures(performance)
    }

    public func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        let weights = try base.product.weights(performance, estimates: estimates)
        return try normalization(
            (weights * (1 / temperature)).reshaped(to: [1, -1]).softmax().reshaped(to: [-1]))
    }
}

extension SoftmaxWeighter: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("of", \.base, "whose weights"), .init("temperature", \.temperature, "T", .above(0)),
            .normalize(\.normalization),
        ]
    }
}
