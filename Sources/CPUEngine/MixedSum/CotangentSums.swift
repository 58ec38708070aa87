import CKernels
import TensorEngine

/// Σ g and Σ g·(y − mean) over the batch, by branch: each image's, added up in their order.
final class CotangentSums: @unchecked Sendable {
    private let plan: MixedPlan
    private let partials: Tensor
    private let width: Int
    private(set) var totals: [(total: [Double], product: [Double])]

    init(_ plan: MixedPlan) {
        self.plan = plan
        let channels = plan.stages.joined().map { max($0.outputs, $0.channels) }.max() ?? 0
        width = 2 * max(channels, plan.channels)
        partials = plan.backend.empty([plan.images, plan.sum.branches.count, width], .float64)
        totals = plan.sum.branches.map { _ in ([], []) }
    }

    private func place(_ branch: Int, _ image: Int) -> UnsafeMutablePointer<Double> {
        partials.pointer.assumingMemoryBound(to: Double.self)
            + (image * plan.sum.branches.count + branch) * width
    }

    func set(
        _ branch: Int, _ image: Int, columns: Int, rows: Int, _ g: UnsafeRawPointer, _ gPitch: Int,
        _ y: UnsafeRawPointer, _ yPitch: Int, mean: UnsafeRawPointer, factor: Double? = nil
    ) {
        let sums = place(branch, image)
        plan.kernels.column_products(rows, columns, g, gPitch, y, yPitch, mean, sums, sums + columns)
        if let factor { for index in 0..<(2 * columns) { sums[index] *= factor } }
    }

    func add(_ branch: Int, columns: Int) {
        var sums = [Double](repeating: 0, count: 2 * columns)
        for image in 0..<plan.images {
            let part = place(branch, image)
            for index in sums.indices { sums[index] += part[index] }
        }
        totals[branch] = (Array(sums.prefix(columns)), Array(sums.suffix(columns)))
    }
}
