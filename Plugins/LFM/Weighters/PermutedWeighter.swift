import ErrataCore
import TensorEngine

/// Another weighter's weights, each given to a wrong class: the control that tells learning from mistakes from mere
/// noise. Each class has another's weight, the same one throughout.
public struct PermutedWeighter: ClassWeighter {
    public var base = Choice<ClassWeighterKind>("validation-loss", ValidationLossWeighter())
    /// Decides which class has whose weight.
    public var seed = 0
    public var isDifferentiable: Bool { base.product.isDifferentiable }

    public init() {}

    /// Whose weight each class has: a cycle through all classes, each as likely (Sattolo, 1986).
    private func derangement(_ classes: Int) -> [Int] {
        let random = RandomStream(seed: UInt64(seed), "derangement")
        var result = Array(0..<classes)
        for index in stride(from: classes - 1, to: 0, by: -1) {
            result.swapAt(index, random.derived(UInt64(index)).integer(below: index, at: 0))
        }
        return result
    }

    public func measures(_ performance: ClassPerformance) throws -> Tensor {
        try base.product.measures(performance)
    }

    /// - Throws: `SettingError` if there is but one class.
    public func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        let weights = try base.product.weights(performance, estimates: estimates)
        guard weights.count > 1 else {
            throw SettingError("weighter", "'permuted' needs a second class, there is but one")
        }
        let order = derangement(weights.count).map { Int32($0) }
        return try weights.reshaped(to: [-1, 1])
            .rows(at: weights.backend.tensor(order, [order.count])).reshaped(to: [-1])
    }
}

extension PermutedWeighter: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("of", \.base, "whose weights go to the wrong classes"),
            .init("seed", \.seed, "decides which class has whose weight", .atLeast(0)),
        ]
    }
}
