/// What takes the cotangent g of a batch norm's output to that of its input y: scale·g + slope·(y − mean) + shift
/// with the batch's own moments, scale·g with constant ones.
struct NormalizationAdjoint {
    private let plan: MixedPlan
    private let count: Int
    /// scale, mean, slope and shift; the first two alone where the moments are constant, the mean being 0.
    private let vectors: Tensor
    let readsValue: Bool

    init(_ plan: MixedPlan, scale: [Double]) {
        self.init(plan, [scale, scale.map { _ in 0 }], readsValue: false)
    }

    init(_ plan: MixedPlan, scale: [Double], mean: [Double], slope: [Double], shift: [Double]) {
        self.init(plan, [scale, mean, slope, shift], readsValue: true)
    }

    private init(_ plan: MixedPlan, _ rows: [[Double]], readsValue: Bool) {
        self.plan = plan
        self.readsValue = readsValue
        count = rows[0].count
        vectors = plan.backend.empty([rows.count, count], plan.dtype)
        plan.backend.store(rows.joined().map(\.self), plan.dtype, vectors.pointer)
    }

    /// - Parameter factor: what g counts by, in place of 1.
    func apply(
        rows: Int, _ g: UnsafeRawPointer, _ gPitch: Int, _ y: UnsafeRawPointer, _ yPitch: Int,
        factor: Double?,
        to target: UnsafeMutableRawPointer
    ) {
        guard let factor else { return apply(rows, g, gPitch, y, yPitch, vectors.pointer, to: target) }
        plan.backend.withScratch(count, plan.dtype) { scale in
            plan.backend.store(
                plan.doubles(Tensor(storage: vectors.storage, shape: [count], dtype: plan.dtype)).map {
                    $0 * factor
                },
                plan.dtype, scale)
            apply(rows, g, gPitch, y, yPitch, scale, to: target)
        }
    }

    private func apply(
        _ rows: Int, _ g: UnsafeRawPointer, _ gPitch: Int, _ y: UnsafeRawPointer, _ yPitch: Int,
        _ scale: UnsafeRawPointer, to target: UnsafeMutableRawPointer
    ) {
        let mean = vectors.element(count)
        if readsValue {
            plan.kernels.affine_gradient(
                rows, count, g, gPitch, y, yPitch, mean, scale, vectors.element(2 * count),
                vectors.element(3 * count), target, count)
        } else {
            plan.kernels.affine(rows, count, g, gPitch, mean, scale, nil, 0, target, count)
        }
    }
}
