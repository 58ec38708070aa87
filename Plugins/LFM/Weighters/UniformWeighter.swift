import ErrataCore
import TensorEngine

/// Every class weighs 1: synthetic images without learning from mistakes, the baseline.
public struct UniformWeighter: ClassWeighter {
    public var isDifferentiable: Bool { false }

    public init() {}

    public func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor {
        try performance.losses.filled(with: 1)
    }
}
