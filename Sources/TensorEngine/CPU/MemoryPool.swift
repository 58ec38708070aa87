import Foundation
import Synchronization

/// Blocks of memory, 64-byte aligned, kept for reuse by size.
///
/// A step of training allocates the same sizes again and again, so a freed block waits for the next of its
/// size. Large blocks that wait are bounded by what was live at the peak.
final class MemoryPool: Sendable {
    static let alignment = 64
    private static let hugePage = 2 << 20
    /// From this size on a block has pages of its own.
    private static let mapped = 1 << 20
    /// What may wait beyond what was live at the peak: blocks of sizes that come and go.
    private static let slack = 64 << 20

    private struct State {
        var free: [Int: [UnsafeMutableRawPointer]] = [:]
        var freeBytes = 0
        var use = MemoryUse(current: 0, peak: 0)
    }

    private let state = Mutex(State())

    /// The size of the block that serves a request: an eighth of a power of two, so at most 1/8 is wasted.
    static func blockSize(_ byteCount: Int) -> Int {
        let minimum = max(byteCount, alignment)
        let power = Int.bitWidth - 1 - minimum.leadingZeroBitCount
        let granule = max((1 << power) / 8, alignment)
        return (minimum + granule - 1) / granule * granule
    }

    func allocate(_ byteCount: Int) -> UnsafeMutableRawPointer {
        let size = Self.blockSize(byteCount)
        let recycled = state.withLock { state -> SendablePointer? in
            state.use.current += size
            state.use.peak = max(state.use.peak, state.use.current)
            guard let pointer = state.free[size]?.popLast() else { return nil }
            state.freeBytes -= size
            return SendablePointer(pointer)
        }
        if let recycled { return recycled.pointer }
        return Self.map(size)
    }

    /// Memory from the system: pages of its own for a large block, so that giving it back gives back all of it.
    private static func map(_ size: Int) -> UnsafeMutableRawPointer {
        if size < mapped {
            var pointer: UnsafeMutableRawPointer?
            guard posix_memalign(&pointer, alignment, size) == 0, let pointer else { outOfMemory(size) }
            return pointer
        }
        guard let pointer = mmap(nil, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            pointer != MAP_FAILED
        else { outOfMemory(size) }
        // Large pages spare the kernel most of the work of a first touch; without them nothing is lost.
        if size >= hugePage { madvise(pointer, size, Int32(MADV_HUGEPAGE)) }
        return pointer
    }

    private static func unmap(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        if size < mapped { free(pointer) } else { munmap(pointer, size) }
    }

    private static func outOfMemory(_ size: Int) -> Never { fatalError("out of memory: \(size) bytes") }

    func release(_ pointer: UnsafeMutableRawPointer, _ byteCount: Int) {
        let size = Self.blockSize(byteCount)
        let surplus = SendablePointer(pointer)
        let keep = state.withLock { state in
            state.use.current -= size
            guard state.use.current + state.freeBytes + size <= state.use.peak + Self.slack else {
                return false
            }
            state.free[size, default: []].append(surplus.pointer)
            state.freeBytes += size
            return true
        }
        if !keep { Self.unmap(pointer, size) }
    }

    var use: MemoryUse { state.withLock { $0.use } }

    /// Forgets the peak, and gives back what waits.
    func reset() {
        let waiting = state.withLock { state in
            state.use.peak = state.use.current
            let waiting = state.free.flatMap { size, blocks in blocks.map { (size, SendablePointer($0)) } }
            state.free = [:]
            state.freeBytes = 0
            return waiting
        }
        for (size, block) in waiting { Self.unmap(block.pointer, size) }
    }

    deinit { reset() }

    private struct SendablePointer: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
        init(_ pointer: UnsafeMutableRawPointer) { self.pointer = pointer }
    }
}

/// A block of a pool, for the life of a tensor's storage.
final class CPUStorage: Storage, @unchecked Sendable {
    let pointer: UnsafeMutableRawPointer
    private let pool: MemoryPool

    init(_ byteCount: Int, pool: MemoryPool, backend: CPUBackend) {
        self.pool = pool
        pointer = pool.allocate(byteCount)
        super.init(backend: backend, byteCount: byteCount)
    }

    deinit { pool.release(pointer, byteCount) }
}
