import Foundation
import TensorEngine

/// The gradients of all stages' weights: one partial sum for each run of images, added up in their order.
final class ParameterSums: @unchecked Sendable {
    private let plan: MixedPlan
    private let partials: Tensor
    private let offsets: [[Int]]
    private lazy var total = plan.backend.reduce(.sum, partials, axes: [0])

    init(_ plan: MixedPlan, runs: Int) {
        self.plan = plan
        var count = 0
        offsets = plan.stages.map { stages in
            stages.map { stage in
                defer { count += stage.parameterCount }
                return count
            }
        }
        partials = plan.backend.empty([runs, count], plan.dtype)
    }

    /// Sets a run's sums to zero, before anything is added to them.
    func clear(run: Int) { memset(row(run), 0, partials.shape[1] * plan.size) }

    private func row(_ run: Int) -> UnsafeMutableRawPointer { partials.element(run * partials.shape[1]) }

    func place(_ branch: Int, _ stage: Int, run: Int) -> UnsafeMutableRawPointer {
        row(run) + offsets[branch][stage] * plan.size
    }

    func gradient(_ branch: Int, _ stage: Int) -> MixedLeaves<Tensor?>.Stage {
        let weights = plan.sum.branches[branch].stages[stage]
        let (offset, count) = (offsets[branch][stage], plan.stages[branch][stage].depthwiseCount)
        func part(_ shape: Shape, _ offset: Int) -> Tensor {
            Tensor(storage: total.storage, shape: shape, dtype: plan.dtype, offset: offset)
        }
        return .init(
            depthwise: weights.depthwise.map { Optional(part($0.shape, offset)) },
            pointwise: part(weights.pointwise.shape, offset + count))
    }
}
