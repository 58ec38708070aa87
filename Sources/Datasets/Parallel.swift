import Dispatch
import Synchronization

/// Work on all processors, whose result does not depend on how many there are.
enum Parallel {
    /// `body` of each number below `count`, in their order.
    static func map<Value: Sendable>(_ count: Int, _ body: @Sendable (Int) -> Value) -> [Value] {
        let values = Mutex([Value?](repeating: nil, count: count))
        forEach(count) { index in
            let value = body(index)
            values.withLock { $0[index] = value }
        }
        return values.withLock { $0.map { $0! } }
    }

    /// `body` of each number below `count`.
    ///
    /// - Parameter isParallel: whether other threads are worth their start.
    static func forEach(_ count: Int, isParallel: Bool = true, _ body: @Sendable (Int) -> Void) {
        guard isParallel && count > 1 else { return (0..<count).forEach(body) }
        withoutActuallyEscaping(body) { DispatchQueue.concurrentPerform(iterations: count, execute: $0) }
    }
}
