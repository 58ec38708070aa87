import Dispatch
import Synchronization
import TensorEngine

/// Batches of another source, made in the background before they are asked for.
///
/// Asking for a step's batch starts the batches of the `depth` steps after it. They are the same batches: only
/// when they are made changes. Asking for a step out of turn drops what was made in vain. A batch that nobody has begun
/// is made by who asks for it, so that a system without a thread to spare is slower and no more.
public final class Prefetcher: BatchSource {
    private let source: any BatchSource
    private let depth: Int
    private let maker: Maker
    private let pending = Mutex<[Int: PendingBatch]>([:])

    /// - Parameters:
    ///   - source: of the batches.
    ///   - depth: the batches that are made ahead, and so wait in memory, at most.
    /// - Throws: `DatasetError` if the depth is not 1...64.
    public init(_ source: any BatchSource, depth: Int = 2) throws {
        try require((1...64).contains(depth), "prefetcher", "depth \(depth), expected 1...64")
        self.source = source
        self.depth = depth
        maker = Maker()
    }

    /// Waits for the batch that is being made, if any, and drops the rest.
    deinit {
        for batch in pending.withLock({ Array($0.values) }) { batch.cancel() }
        maker.end()
    }

    public var batchesPerEpoch: Int { source.batchesPerEpoch }

    /// An error that the source throws for a step is thrown when that step's batch is asked for.
    public func batch(step: Int) throws -> Batch {
        let wanted = pending.withLock { pending in
            let window = step...(step + depth)
            for (other, batch) in pending where !window.contains(other) {
                batch.drop()
                pending[other] = nil
            }
            for step in window where pending[step] == nil { pending[step] = start(step) }
            return pending.removeValue(forKey: step)!
        }
        return try wanted.value()
    }

    private func start(_ step: Int) -> PendingBatch {
        let batch = PendingBatch { [source] in try source.batch(step: step) }
        maker.add(batch)
        return batch
    }
}

/// A thread that makes batches in the order in which they are asked for, where the system gives one.
private final class Maker: Sendable {
    private let waiting = Mutex<[PendingBatch]>([])
    private let added = DispatchSemaphore(value: 0)
    private let isEnded = Atomic(false)

    init() {
        // Without a thread all batches are made by who asks for them.
        if startThread({ [self] in run() }) != 0 { isEnded.store(true, ordering: .releasing) }
    }

    func add(_ batch: PendingBatch) {
        if isEnded.load(ordering: .acquiring) { return }
        waiting.withLock { $0.append(batch) }
        added.signal()
    }

    func end() {
        isEnded.store(true, ordering: .releasing)
        added.signal()
    }

    private func run() {
        while true {
            added.wait()
            if isEnded.load(ordering: .acquiring) { return }
            waiting.withLock { $0.isEmpty ? nil : $0.removeFirst() }?.makeIfUnclaimed()
        }
    }
}

/// A batch that is made once, by whoever claims it first.
private final class PendingBatch: Sendable {
    private let make: @Sendable () throws -> Batch
    private let isClaimed = Atomic(false)
    private let isDone = DispatchSemaphore(value: 0)
    private let result = Mutex<Result<Batch, any Error>?>(nil)

    init(_ make: @escaping @Sendable () throws -> Batch) { self.make = make }

    private func claim() -> Bool {
        isClaimed.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged
    }

    func makeIfUnclaimed() {
        guard claim() else { return }
        let made = Result { try make() }
        result.withLock { $0 = made }
        isDone.signal()
    }

    /// The batch: made here, unless another thread has begun it.
    func value() throws -> Batch {
        if claim() { return try make() }
        isDone.wait()
        return try result.withLock { try $0!.get() }
    }

    /// Keeps the batch from being made, unless that has begun.
    func drop() { _ = claim() }

    /// Keeps the batch from being made, or waits until it is.
    func cancel() {
        if !claim() { isDone.wait() }
    }
}
