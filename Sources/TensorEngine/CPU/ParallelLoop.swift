import Dispatch
import Synchronization

/// Runs the chunks of a loop on a fixed number of threads.
///
/// What a chunk is depends on the problem alone, and each writes a place of its own: the number of threads
/// decides who computes, never what.
struct ParallelLoop: Sendable {
    let threads: Int

    /// Calls `body` once for each of `count` chunks.
    func callAsFunction(_ count: Int, _ body: (Int) -> Void) {
        let lanes = min(threads, count)
        guard lanes > 1 else {
            for chunk in 0..<count { body(chunk) }
            return
        }
        let next = Counter()
        withoutActuallyEscaping(body) { body in
            let shared = Shared(body: body)
            DispatchQueue.concurrentPerform(iterations: lanes) { _ in
                while true {
                    let chunk = next.take()
                    guard chunk < count else { return }
                    shared.body(chunk)
                }
            }
        }
    }

    /// Splits 0..<count into runs of `length` and calls `body` for each.
    func ranges(_ count: Int, of length: Int, _ body: (Range<Int>) -> Void) {
        guard count > length else {
            if count > 0 { body(0..<count) }
            return
        }
        self((count + length - 1) / length) { chunk in
            body((chunk * length)..<min((chunk + 1) * length, count))
        }
    }

    private final class Counter: Sendable {
        private let value = Atomic<Int>(0)
        func take() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    }

    /// `concurrentPerform` returns after the last call, so the body does not outlive its caller.
    private struct Shared: @unchecked Sendable {
        let body: (Int) -> Void
    }
}
