import ErrataCore
import Foundation
import TensorEngine

/// Another weighter's weights over the effective number of D_tr's images of each class, (1 − βⁿ)/(1 − β) (Cui et al.,
/// 2019, Eq. 12): with `validation-loss` the class-balanced loss, with `uniform` the factors alone.
public struct ClassBalancedWeighter: ClassWeighter {
    public var base = Choice<ClassWeighterKind>("validation-loss", ValidationLossWeighter())
    /// 0 weighs all classes alike, near 1 each by the inverse of its count.
    public var beta = 0.9999
    public var normalization = WeightNormalization.none
    public var isDifferentiable: Bool { base.product.isDifferentiable }

    public init() {}

    /// The inverse effective numbers, their sum being the number of classes that there are images of; 0 for a class
    /// without.
    private func factors(_ counts: [Int]) -> [Double] {
        let inverses = counts.map { $0 == 0 ? 0 : (1 - beta) / (1 - pow(beta, Double($0))) }
        let present = Double(inverses.count { $0 > 0 })
        return inverses.map { $0 * present / max(inverses.reduce(0, +), .leastNormalMagnitude) }
    }

    public func measures(_ performance: ClassPerformance) throws -> Tensor {
        try base.product.measures(performance)
    }

    public func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        let weights = try base.product.weights(performance, estimates: estimates)
        let factors = factors(performance.trainingCounts)
        return try normalization(
            weights * weights.backend.tensor(factors, [factors.count]).cast(to: weights.dtype))
    }
}

extension ClassBalancedWeighter: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("of", \.base, "whose weights are balanced"),
            .init("beta", \.beta, "β of the effective number; 0 changes nothing", .within(0..<1)),
            .normalize(\.normalization),
        ]
    }
}
