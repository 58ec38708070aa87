import Foundation
import Synchronization
import TensorEngine

/// Blocks of memory, 64-byte aligned, kept for reuse.
///
/// A step of training allocates the same sizes again and again. Large blocks are cut from segments of address
/// space, the lowest hole that is large enough first, and join their free neighbours again when they are
/// released: so what a step touches is little more than what it has in use at its peak, and no step after the
/// first has the kernel clear pages.
final class MemoryPool: Sendable {
    struct Block: @unchecked Sendable {
        let pointer: UnsafeMutableRawPointer
        let size: Int
        /// `nil` for a small block.
        fileprivate let segment: Segment?
    }

    private struct State {
        var small: [Int: [Block]] = [:]
        var segments: [Segment] = []
        var use = MemoryUse(current: 0, peak: 0)
    }

    private let state = Mutex(State())

    static let alignment = 64
    /// Up to this size a block comes from the C library, and waits for requests of its own size.
    private static let smallest = 16 << 10

    static func blockSize(_ byteCount: Int) -> Int {
        let size = max(byteCount, alignment)
        // A small block has one of a few sizes, at most an eighth too large.
        let granule =
            size <= smallest
            ? max((1 << (Int.bitWidth - 1 - size.leadingZeroBitCount)) / 8, alignment) : alignment
        return (size + granule - 1) / granule * granule
    }

    func allocate(_ byteCount: Int) -> Block {
        let size = Self.blockSize(byteCount)
        return state.withLock { state in
            state.use.current += size
            state.use.peak = max(state.use.peak, state.use.current)
            guard size > Self.smallest else {
                return state.small[size]?.popLast()
                    ?? Block(pointer: Self.allocateSmall(size), size: size, segment: nil)
            }
            for segment in state.segments {
                if let pointer = segment.take(size) {
                    return Block(pointer: pointer, size: size, segment: segment)
                }
            }
            let segment = Segment(holding: size)
            state.segments.append(segment)
            return Block(pointer: segment.take(size)!, size: size, segment: segment)
        }
    }

    func release(_ block: Block) {
        state.withLock { state in
            state.use.current -= block.size
            if let segment = block.segment {
                segment.give(block.pointer, block.size)
            } else {
                state.small[block.size, default: []].append(block)
            }
        }
    }

    var use: MemoryUse { state.withLock { $0.use } }

    /// Forgets the peak, and gives back what is not in use.
    func reset() {
        state.withLock { state in
            state.use.peak = state.use.current
            for block in state.small.values.joined() { free(block.pointer) }
            state.small = [:]
            state.segments.removeAll(where: \.isFree)
        }
    }

    deinit { reset() }

    private static func allocateSmall(_ size: Int) -> UnsafeMutableRawPointer {
        var pointer: UnsafeMutableRawPointer?
        guard posix_memalign(&pointer, alignment, size) == 0, let pointer else { outOfMemory(size) }
        return pointer
    }

    /// Ends the process in one line: every operation allocates, so that nobody could go on.
    fileprivate static func outOfMemory(_ size: Int) -> Never {
        let line = Array("error: out of memory: the system has no further \(size) bytes\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
        _exit(1)
    }
}

/// A stretch of address space with the holes between the blocks that are in use. Pages take memory when they are
/// first touched; huge ones spare the kernel most of the work of that. Not thread-safe: the pool's lock guards it.
private final class Segment: @unchecked Sendable {
    private static let hugePage = 2 << 20
    private static let usual = 1 << 30

    private let start: UnsafeMutableRawPointer
    private let length: Int
    private let mapping: (start: UnsafeMutableRawPointer, length: Int)
    /// Offsets into the segment in ascending order; neighbours are joined.
    private var holes: [Range<Int>]

    init(holding size: Int) {
        length = (max(size, Self.usual) + Self.hugePage - 1) / Self.hugePage * Self.hugePage
        let mapped = length + Self.hugePage
        guard
            let base = mmap(
                nil, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | Int32(MAP_NORESERVE), -1, 0
            ),
            base != MAP_FAILED
        else { MemoryPool.outOfMemory(size) }
        mapping = (base, mapped)
        start = base + (Self.hugePage - Int(bitPattern: base) % Self.hugePage) % Self.hugePage
        madvise(start, length, Int32(MADV_HUGEPAGE))
        holes = [0..<length]
    }

    deinit { munmap(mapping.start, mapping.length) }

    var isFree: Bool { holes == [0..<length] }

    /// The start of the lowest hole that is large enough.
    func take(_ size: Int) -> UnsafeMutableRawPointer? {
        guard let index = holes.firstIndex(where: { $0.count >= size }) else { return nil }
        let hole = holes[index]
        if hole.count == size {
            holes.remove(at: index)
        } else {
            holes[index] = (hole.lowerBound + size)..<hole.upperBound
        }
        return start + hole.lowerBound
    }

    func give(_ pointer: UnsafeMutableRawPointer, _ size: Int) {
        var freed = (pointer - start)..<(pointer - start + size)
        var (low, high) = (0, holes.count)
        while low < high {
            let middle = (low + high) / 2
            if holes[middle].lowerBound < freed.lowerBound { low = middle + 1 } else { high = middle }
        }
        // `low` is the first hole behind the block.
        if low < holes.count, holes[low].lowerBound == freed.upperBound {
            freed = freed.lowerBound..<holes.remove(at: low).upperBound
        }
        if low > 0, holes[low - 1].upperBound == freed.lowerBound {
            holes[low - 1] = holes[low - 1].lowerBound..<freed.upperBound
        } else {
            holes.insert(freed, at: low)
        }
    }
}
