import TensorEngine

/// A block of a pool, for the life of a tensor's storage.
final class CPUStorage: Storage, @unchecked Sendable {
    private let block: MemoryPool.Block
    private let pool: MemoryPool

    var pointer: UnsafeMutableRawPointer { block.pointer }

    init(_ byteCount: Int, pool: MemoryPool, backend: CPUBackend) {
        self.pool = pool
        block = pool.allocate(byteCount)
        super.init(backend: backend, byteCount: byteCount)
    }

    deinit { pool.release(block) }
}
