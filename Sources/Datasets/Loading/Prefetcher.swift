import Dispatch
import Synchronization

/// Batches of another source, made in the background before they are asked for.
///
/// Asking for a step's batch starts the batches of the `depth` steps after it. They are the same batches: only
/// when they are made changes. Asking for a step out of turn drops what was made in vain.
public final class Prefetcher: BatchSource {
    private let source: any BatchSource
    private let depth: Int
    private let queue = DispatchQueue(label: "errata.prefetcher")
    private let pending = Mutex<[Int: PendingBatch]>([:])

    /// - Parameters:
    ///   - source: of the batches.
    ///   - depth: the batches that are made ahead, and so wait in memory, at most.
    /// - Throws: `DatasetError` if the depth is not 1...64.
    public init(_ source: any BatchSource, depth: Int = 2) throws {
        try require((1...64).contains(depth), "prefetcher", "depth \(depth), expected 1...64")
        self.source = source
        self.depth = depth
    }

    /// Waits for the batch that is being made, if any, and drops the rest.
    deinit {
        pending.withLock { pending in
            for batch in pending.values { batch.cancel() }
        }
        queue.sync {}
    }

    public var batchesPerEpoch: Int { source.batchesPerEpoch }

    /// An error that the source throws for a step is thrown when that step's batch is asked for.
    public func batch(step: Int) throws -> Batch {
        let wanted = pending.withLock { pending in
            let window = step...(step + depth)
            for (other, batch) in pending where !window.contains(other) {
                batch.cancel()
                pending[other] = nil
            }
            for step in window where pending[step] == nil { pending[step] = start(step) }
            return pending.removeValue(forKey: step)!
        }
        return try wanted.wait()
    }

    private func start(_ step: Int) -> PendingBatch {
        let batch = PendingBatch()
        queue.async { [source] in batch.make { try source.batch(step: step) } }
        return batch
    }
}

/// A batch that somebody may be waiting for.
private final class PendingBatch: Sendable {
    private let isDone = DispatchSemaphore(value: 0)
    private let isCancelled = Atomic(false)
    private let result = Mutex<Result<Batch, any Error>?>(nil)

    func make(_ body: () throws -> Batch) {
        if isCancelled.load(ordering: .relaxed) { return }
        let made = Result { try body() }
        result.withLock { $0 = made }
        isDone.signal()
    }

    func cancel() { isCancelled.store(true, ordering: .relaxed) }

    func wait() throws -> Batch {
        isDone.wait()
        return try result.withLock { try $0!.get() }
    }
}
