import Foundation
import Synchronization

/// Blocks of memory, 64-byte aligned, kept for reuse by size.
///
/// A step of training allocates the same sizes again and again, so a freed block waits for the next of its
/// size. Large blocks that wait are bounded by what was live at the peak.
final class MemoryPool: Sendable {
    static let alignment = 64
    private static let hugePage = 2 << 20
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
        var pointer: UnsafeMutableRawPointer?
        let isHuge = size >= Self.hugePage
        guard posix_memalign(&pointer, isHuge ? Self.hugePage : Self.alignment, size) == 0, let pointer else {
            fatalError("out of memory: \(size) bytes")
        }
        // Large pages spare the kernel most of the work of a first touch; without them nothing is lost.
        if isHuge { madvise(pointer, size, Int32(MADV_HUGEPAGE)) }
        return pointer
    }

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
        if !keep { free(pointer) }
    }

    var use: MemoryUse { state.withLock { $0.use } }

    /// Forgets the peak, and gives back what waits.
    func reset() {
        let waiting = state.withLock { state in
            state.use.peak = state.use.current
            let waiting = state.free.values.joined().map(SendablePointer.init)
            state.free = [:]
            state.freeBytes = 0
            return waiting
        }
        for block in waiting { free(block.pointer) }
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
