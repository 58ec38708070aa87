import TensorEngine

extension CPUBackend {
    /// Σ over 0..<count of what `body` adds to zeros, in a fixed number of runs, added up in their order.
    func orderedSum(
        _ shape: Shape, _ dtype: DType, over count: Int,
        _ body: (Range<Int>, UnsafeMutableRawPointer) -> Void
    ) -> Tensor {
        // As many partial sums as the threads of a large machine, unless they would take 64 MB.
        let most = min(Runs.usual, max((64 << 20) / max(shape.count * dtype.byteCount, 1), 2))
        let runs = Runs(of: count, most: most)
        let partial = full(0, [runs.count, shape.count], dtype)
        parallel(runs.count) { body(runs[$0], partial.element($0 * shape.count)) }
        let sum = runs.count == 1 ? partial : reduce(.sum, partial, axes: [0])
        return Tensor(storage: sum.storage, shape: shape, dtype: dtype)
    }
}
