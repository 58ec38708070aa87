import COpenBLAS
import Foundation
import TensorEngine

/// OpenBLAS, set to the kernels that fit this CPU and to one thread a call: the backend is what runs in
/// parallel.
enum BLAS {
    /// The name of the core whose kernels are in use, as OpenBLAS calls it.
    static let core: String = {
        if getenv("OPENBLAS_CORETYPE") == nil, let core = preferredCore {
            setenv("OPENBLAS_CORETYPE", core, 1)
            if errata_openblas_reselect() == 0 { unsetenv("OPENBLAS_CORETYPE") }
        }
        openblas_set_num_threads(1)
        return String(cString: openblas_get_corename())
    }()

    private static var preferredCore: String? {
        switch ISA.best.name {
        case "avx512": "SkylakeX"
        case "avx2": "Haswell"
        default: nil
        }
    }

    /// C ← alpha·op(A)·op(B) + beta·C, row-major: op(A) is m×k, op(B) k×n.
    static func gemm(
        _ dtype: DType, transposeA: Bool = false, transposeB: Bool = false, m: Int, n: Int, k: Int,
        _ a: UnsafeRawPointer, _ lda: Int, _ b: UnsafeRawPointer, _ ldb: Int, beta: Double = 0,
        _ c: UnsafeMutableRawPointer, _ ldc: Int
    ) {
        let (ta, tb) = (transposeA ? CblasTrans : CblasNoTrans, transposeB ? CblasTrans : CblasNoTrans)
        if dtype == .float32 {
            cblas_sgemm(
                CblasRowMajor, ta, tb, blasint(m), blasint(n), blasint(k), 1,
                a.assumingMemoryBound(to: Float.self), blasint(lda), b.assumingMemoryBound(to: Float.self),
                blasint(ldb), Float(beta), c.assumingMemoryBound(to: Float.self), blasint(ldc))
        } else {
            cblas_dgemm(
                CblasRowMajor, ta, tb, blasint(m), blasint(n), blasint(k), 1,
                a.assumingMemoryBound(to: Double.self), blasint(lda), b.assumingMemoryBound(to: Double.self),
                blasint(ldb), beta, c.assumingMemoryBound(to: Double.self), blasint(ldc))
        }
    }
}
