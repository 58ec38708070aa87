import TensorEngine

/// What takes the cotangent g of a batch norm's output to that of its input y: scale·g + slope·(y − mean) + shift
/// with the batch's own moments, scale·g with constant ones.
struct NormalizationAdjoint {
    private let plan: MixedPlan
    private let count: Int
    /// scale, mean, slope and shift; the first two alone where the moments are constant, the mean being 0.
    private let vectors: Tensor
    /// The first of them, times what g counts by.
    private let scale: Tensor
    let readsValue: Bool

    init(_ plan: MixedPlan, scale: [Double]) {
        self.init(plan, [scale, scale.map { _ in 0 }], readsValue: false)
    }

    init(_ plan: MixedPlan, scale: [Double], mean: [Double], slope: [Double], shift: [Double]) {
        self.init(plan, [scale, mean, slope, shift], readsValue: true)
    }

    private init(_ plan: MixedPlan, _ rows: [[Double]], readsValue: Bool) {
        let vectors = plan.backend.empty([rows.count, rows[0].count], plan.dtype)
        plan.backend.store(rows.joined().map(\.self), plan.dtype, vectors.pointer)
        self.init(plan, vectors, readsValue: readsValue)
    }

    private init(_ plan: MixedPlan, _ vectors: Tensor, scale: Tensor? = nil, readsValue: Bool) {
        self.plan = plan
        self.vectors = vectors
        self.readsValue = readsValue
        count = vectors.shape[1]
        self.scale = scale ?? vectors
    }

    /// The same where g counts by a factor; itself where absent.
    func times(_ factor: Double?) -> NormalizationAdjoint {
        guard let factor else { return self }
        let scale = Tensor(storage: vectors.storage, shape: [count], dtype: plan.dtype).hostDoubles
        return NormalizationAdjoint(
            plan, vectors, scale: plan.backend.vector(scale.map { $0 * factor }, plan.dtype),
            readsValue: readsValue)
    }

    func apply(
        rows: Int, _ g: UnsafeRawPointer, _ gPitch: Int, _ y: UnsafeRawPointer, _ yPitch: Int,
        to target: UnsafeMutableRawPointer
    ) {
        let mean = vectors.element(count)
        if readsValue {
            plan.kernels.affine_gradient(
                rows, count, g, gPitch, y, yPitch, mean, scale.pointer, vectors.element(2 * count),
                vectors.element(3 * count), target, count)
        } else {
            plan.kernels.affine(rows, count, g, gPitch, mean, scale.pointer, nil, 0, target, count)
        }
    }
}
