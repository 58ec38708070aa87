import Foundation
import Synchronization

/// Blocks of memory, 64-byte aligned, kept for reuse.
///
/// A step of training allocates the same sizes again and again, so a freed block waits for the next request
/// that it serves without much waste. What waits is bounded, with what is in use, by what was in use at most.
final class MemoryPool: Sendable {
    struct Block: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
        let size: Int
    }

    private struct State {
        var free: [Int: [Block]] = [:]
        var freeBytes = 0
        var use = MemoryUse(current: 0, peak: 0)
    }

    private let state = Mutex(State())

    static let alignment = 64
    /// What may wait beyond what was in use at the peak: blocks of sizes that come and go.
    private static let slack = 64 << 20

    /// The size of the block that serves a request: an eighth of a power of two, so at most 1/8 is wasted.
    static func blockSize(_ byteCount: Int) -> Int {
        let minimum = max(byteCount, alignment)
        let granule = granule(minimum)
        return (minimum + granule - 1) / granule * granule
    }

    private static func granule(_ size: Int) -> Int {
        max((1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) / 8, alignment)
    }

    func allocate(_ byteCount: Int) -> Block {
        let size = Self.blockSize(byteCount)
        let waiting = state.withLock { state in
            // The smallest that is large enough, if it is at most half as large again.
            var candidate = size
            var found: Block?
            while found == nil, candidate <= size + size / 2 {
                found = state.free[candidate]?.popLast()
                candidate += Self.granule(candidate)
            }
            if let found { state.freeBytes -= found.size }
            state.use.current += found?.size ?? size
            state.use.peak = max(state.use.peak, state.use.current)
            return found
        }
        return waiting ?? Block(pointer: Pages.allocate(size), size: size)
    }

    func release(_ block: Block) {
        let keep = state.withLock { state in
            state.use.current -= block.size
            guard state.use.current + state.freeBytes + block.size <= state.use.peak + Self.slack else {
                return false
            }
            state.free[block.size, default: []].append(block)
            state.freeBytes += block.size
            return true
        }
        if !keep { Pages.free(block.pointer, block.size) }
    }

    var use: MemoryUse { state.withLock { $0.use } }

    /// Forgets the peak, and gives back what waits.
    func reset() {
        let waiting = state.withLock { state in
            state.use.peak = state.use.current
            defer {
                state.free = [:]
                state.freeBytes = 0
            }
            return state.free.values.flatMap(\.self)
        }
        for block in waiting { Pages.free(block.pointer, block.size) }
    }

    deinit { reset() }
}

/// Memory from the system. A large block has pages of its own, so that giving it back gives back all of it, and
/// huge ones where they fit, which spare the kernel most of the work of a first touch.
private enum Pages {
    private static let huge = 2 << 20
    private static let mapped = 1 << 20

    static func allocate(_ size: Int) -> UnsafeMutableRawPointer {
        guard size >= mapped else {
            var pointer: UnsafeMutableRawPointer?
            guard posix_memalign(&pointer, MemoryPool.alignment, size) == 0, let pointer else {
                outOfMemory(size)
            }
            return pointer
        }
        let spare = size >= huge ? huge : 0
        guard
            let start = mmap(nil, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            start != MAP_FAILED
        else { outOfMemory(size) }
        guard spare > 0 else { return start }
        // From the first huge page on; what lies before and behind is given back.
        let lead = (huge - Int(bitPattern: start) % huge) % huge
        let pointer = start + lead
        if lead > 0 { munmap(start, lead) }
        let pages = (size + 4095) / 4096 * 4096
        if spare - lead + size > pages { munmap(pointer + pages, spare - lead + size - pages) }
        madvise(pointer, size, Int32(MADV_HUGEPAGE))
        return pointer
    }

    static func free(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        if size < mapped { Glibc.free(pointer) } else { munmap(pointer, size) }
    }

    /// Ends the process in one line: every operation allocates, so that nobody could go on.
    private static func outOfMemory(_ size: Int) -> Never {
        let line = Array("error: out of memory: the system has no further \(size) bytes\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(1)
    }
}

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
