import TensorEngine

extension CPUBackend {
    public func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor {
        let batch = a.shape[0]
        let m = transposeA ? a.shape[2] : a.shape[1]
        let k = transposeA ? a.shape[1] : a.shape[2]
        let n = transposeB ? b.shape[1] : b.shape[2]
        let result = empty([batch, m, n], a.dtype)
        let size = a.dtype.byteCount
        // Rows of the result in runs: a matrix product's own chunks.
        let run = max(Self.chunk * 8 / max(k * n, 1), 64)
        let runs = max((m + run - 1) / run, 1)
        parallel(batch * runs) { piece in
            let (index, first) = (piece / runs, piece % runs * run)
            let rows = min(run, m - first)
            guard rows > 0, n > 0 else { return }
            BLAS.gemm(
                a.dtype, transposeA: transposeA, transposeB: transposeB, m: rows, n: n, k: k,
                a.pointer + (index * a.shape[1] * a.pitch + (transposeA ? first : first * a.pitch)) * size,
                a.pitch, b.pointer + index * b.shape[1] * b.pitch * size, b.pitch,
                result.pointer + (index * m + first) * n * size, n)
        }
        return result
    }
}
