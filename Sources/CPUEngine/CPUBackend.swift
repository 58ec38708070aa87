import CKernels
import Foundation
import TensorEngine

/// The CPU: SIMD kernels chosen for it, OpenBLAS for matrix products, a pool of memory, and a fixed number of
/// threads that never changes a result.
public final class CPUBackend: Backend {
    public let isa: ISA
    public let threads: Int
    /// Whether a mixed sum is one operation, not those that it is composed of.
    public let fusesMixedSums: Bool
    let pool = MemoryPool()
    let parallel: ParallelLoop

    /// The elements that one chunk of an elementwise operation has.
    static let chunk = 32_768

    /// - Parameters:
    ///   - threads: how many compute; all active cores by default.
    ///   - isa: the kernels; by default what `ERRATA_ISA` names, or else the best.
    ///   - fusesMixedSums: for comparisons.
    /// - Throws: `TensorError` if `ERRATA_ISA` names kernels that this CPU does not run, `threads` < 1, or the system
    ///   does not give as many, or the memory that OpenBLAS needs for each.
    public init(threads: Int? = nil, isa: ISA? = nil, fusesMixedSums: Bool = true) throws {
        let threads = threads ?? ProcessInfo.processInfo.activeProcessorCount
        try require(threads >= 1, "CPUBackend", "\(threads) threads, expected at least 1")
        self.threads = threads
        self.fusesMixedSums = fusesMixedSums
        self.isa = try isa ?? ISA.selected()
        parallel = try ParallelLoop(threads: threads)
        _ = BLAS.core
        try BLAS.takeBuffers(threads: threads, parallel)
    }

    /// The core whose kernels OpenBLAS uses.
    public var blasCore: String { BLAS.core }

    public var identity: String { "CPU, \(isa.name) kernels, OpenBLAS \(blasCore)" }

    public var summary: String { "\(identity), \(threads) thread\(threads == 1 ? "" : "s")" }

    public var memory: MemoryUse { pool.use }
    public func resetPeakMemory() { pool.reset() }

    // MARK: Memory

    public func empty(_ shape: Shape, _ dtype: DType) -> Tensor {
        Tensor(
            storage: CPUStorage(max(shape.count, 1) * dtype.byteCount, pool: pool, backend: self),
            shape: shape, dtype: dtype)
    }

    public func full(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor {
        let result = empty(shape, dtype)
        if dtype == .int32 {
            result.pointer.assumingMemoryBound(to: Int32.self)
                .update(repeating: Int32(value), count: shape.count)
        } else if value.bitPattern == 0 {
            memset(result.pointer, 0, shape.count * dtype.byteCount)
        } else {
            kernels(dtype).fill(shape.count, value, result.pointer)
        }
        return result
    }

    public func upload(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ dtype: DType) -> Tensor {
        precondition(
            bytes.count == shape.count * dtype.byteCount, "\(bytes.count) bytes for \(dtype) \(shape)")
        let result = empty(shape, dtype)
        if let base = bytes.baseAddress { memcpy(result.pointer, base, bytes.count) }
        return result
    }

    public func download(_ x: Tensor, into bytes: UnsafeMutableRawBufferPointer) {
        precondition(
            bytes.count >= x.count * x.dtype.byteCount, "\(bytes.count) bytes for \(x.dtype) \(x.shape)")
        guard let base = bytes.baseAddress else { return }
        copyRows(x, to: base, pitch: x.shape.channels)
    }

    public func contiguous(_ x: Tensor) -> Tensor {
        let result = empty(x.shape, x.dtype)
        copyRows(x, to: result.pointer, pitch: x.shape.channels)
        return result
    }

    public func cast(_ x: Tensor, to dtype: DType) -> Tensor {
        let source = x.isContiguous ? x : contiguous(x)
        let result = empty(x.shape, dtype)
        func convert<A: BinaryFloatingPoint, B: BinaryFloatingPoint>(_: A.Type, _: B.Type) {
            let (a, b) = (
                source.pointer.assumingMemoryBound(to: A.self), result.pointer.assumingMemoryBound(to: B.self)
            )
            for i in 0..<x.count { b[i] = B(a[i]) }
        }
        func toInteger<A: BinaryFloatingPoint>(_: A.Type) {
            let a = source.pointer.assumingMemoryBound(to: A.self)
            let b = result.pointer.assumingMemoryBound(to: Int32.self)
            for i in 0..<x.count { b[i] = Int32(a[i]) }
        }
        func fromInteger<B: BinaryFloatingPoint>(_: B.Type) {
            let a = source.pointer.assumingMemoryBound(to: Int32.self)
            let b = result.pointer.assumingMemoryBound(to: B.self)
            for i in 0..<x.count { b[i] = B(a[i]) }
        }
        switch (x.dtype, dtype) {
        case (.float32, .float64): convert(Float.self, Double.self)
        case (.float64, .float32): convert(Double.self, Float.self)
        case (.float32, .int32): toInteger(Float.self)
        case (.float64, .int32): toInteger(Double.self)
        case (.int32, .float32): fromInteger(Float.self)
        case (.int32, .float64): fromInteger(Double.self)
        default: return source
        }
        return result
    }

    // MARK: -

    func kernels(_ dtype: DType) -> errata_kernels { isa.kernels(dtype) }

    /// Copies all rows of a tensor to rows `pitch` elements apart.
    func copyRows(_ x: Tensor, to destination: UnsafeMutableRawPointer, pitch: Int) {
        let size = x.dtype.byteCount
        let (rows, columns) = (x.shape.rows, x.shape.channels)
        if x.isContiguous && (pitch == columns || rows == 1) {
            let bytes = x.count * size
            parallel.ranges(bytes, of: Self.chunk * 16) { range in
                memcpy(destination + range.lowerBound, x.pointer + range.lowerBound, range.count)
            }
            return
        }
        // Rows are copied as bits, which a kernel for floating point does to any type of that size.
        let kernels = kernels(size == 8 ? .float64 : .float32)
        parallel.ranges(rows, of: rowsPerChunk(columns)) { range in
            kernels.mask_rows(
                range.count, columns, x.pointer + range.lowerBound * x.pitch * size, x.pitch, nil, 0, 0,
                destination + range.lowerBound * pitch * size, pitch)
        }
    }

    /// Rows a chunk, for a row of so many elements.
    func rowsPerChunk(_ columns: Int) -> Int { max(Self.chunk / max(columns, 1), 1) }

    /// Scratch memory for one chunk of work.
    func withScratch<R>(_ count: Int, _ dtype: DType, _ body: (UnsafeMutableRawPointer) -> R) -> R {
        let block = pool.allocate(max(count, 1) * dtype.byteCount)
        defer { pool.release(block) }
        return body(block.pointer)
    }
}

extension Tensor {
    /// The first element, for the CPU backend alone.
    var pointer: UnsafeMutableRawPointer {
        guard type(of: storage) == CPUStorage.self else {
            preconditionFailure("a tensor of \(backend.summary) among the operands of a CPU backend")
        }
        return unsafeDowncast(storage, to: CPUStorage.self).pointer + offset * dtype.byteCount
    }

    /// The element so many places after the first, in memory.
    func element(_ index: Int) -> UnsafeMutableRawPointer { pointer + index * dtype.byteCount }

    /// The tensor as a matrix of rows and columns: one row where it is contiguous.
    var matrix: (rows: Int, columns: Int, pitch: Int) {
        isContiguous ? (1, count, count) : (shape.rows, shape.channels, pitch)
    }
}
