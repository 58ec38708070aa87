import COpenBLAS
import Foundation
import Synchronization
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

    /// Has OpenBLAS take the buffer that each thread's products need, which it keeps. Later, where there is no memory for
    /// one, it would ask again and again.
    ///
    /// - Throws: `TensorError` if there is no room for them.
    static func takeBuffers(threads: Int, _ parallel: ParallelLoop) throws {
        // With something to spare for what else a product allocates.
        let size = (threads + 1) * bufferSize
        let room = mmap(
            nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0)
        guard room != MAP_FAILED else {
            throw TensorError(
                "CPUBackend",
                "out of memory: OpenBLAS needs \(bufferSize >> 20) MiB of address space for each of \(threads) threads"
            )
        }
        munmap(room, size)
        let order = 256
        let matrix = [Float](repeating: 0, count: order * order)
        let arrived = Atomic(0)
        parallel(threads) { _ in
            // All at once, or one buffer would do for several.
            arrived.add(1, ordering: .acquiringAndReleasing)
            while arrived.load(ordering: .acquiring) < threads { sched_yield() }
            var product = matrix
            matrix.withUnsafeBytes { a in
                product.withUnsafeMutableBytes {
                    gemm(
                        .float32, m: order, n: order, k: order, a.baseAddress!, order, a.baseAddress!, order,
                        $0.baseAddress!, order)
                }
            }
        }
    }

    /// Of one thread's products, in bytes.
    private static let bufferSize = 128 << 20

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
