import CKernels
import Foundation
import Synchronization
import TensorEngine

/// Runs the chunks of a loop on a fixed number of threads.
///
/// What a chunk is depends on the problem alone, and each writes a place of its own: the number of threads
/// decides who computes, never what.
final class ParallelLoop: Sendable {
    private let team: Team
    private let lanes: Int

    /// - Throws: `TensorError` if the system gives no further thread.
    init(threads: Int) throws {
        team = Team()
        lanes = threads
        for index in 1..<max(threads, 1) {
            let status = Worker(team).start()
            guard status == 0 else {
                team.dismiss()
                throw TensorError(
                    "CPUBackend",
                    "thread \(index + 1) of \(threads) cannot be started: \(String(cString: strerror(status))). Use "
                        + "fewer threads, or raise the limit of processes (ulimit -u)")
            }
        }
    }

    deinit { team.dismiss() }

    /// Calls `body` once for each of `count` chunks.
    func callAsFunction(_ count: Int, _ body: (Int) -> Void) {
        guard lanes > 1, count > 1 else {
            for chunk in 0..<count { body(chunk) }
            return
        }
        withoutActuallyEscaping(body) { body in
            // A loop within a loop, or a second one at the same time, runs on its caller's thread.
            if !team.share(count, body) {
                for chunk in 0..<count { body(chunk) }
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
}

/// What the threads of a loop share: one job at a time, whose chunks they take one by one.
///
/// A loop begins thousands of times a step, often for tens of microseconds of work, so workers look for the
/// next job for a while before they sleep: waking a thread costs more than such a loop.
private final class Team: @unchecked Sendable {
    private let isBusy = Atomic(false)
    /// Counts jobs; a worker that sees it change looks whether there is one.
    fileprivate let generation = Atomic(0)
    private let isOpen = Atomic(false)
    /// Workers that may be reading the job.
    private let active = Atomic(0)
    private let next = Atomic(0)
    fileprivate let isDismissed = Atomic(false)
    private let sleepers = Mutex<[Worker]>([])
    private let sleeping = Atomic(0)
    // Written before `isOpen` is set, read by those counted in `active` while it is.
    private var count = 0
    private var body: (Int) -> Void = { _ in }

    /// Has all threads work on a job, unless there is one already.
    func share(_ count: Int, _ body: @escaping (Int) -> Void) -> Bool {
        guard isBusy.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged else {
            return false
        }
        self.count = count
        self.body = body
        next.store(0, ordering: .relaxed)
        isOpen.store(true, ordering: .sequentiallyConsistent)
        generation.add(1, ordering: .sequentiallyConsistent)
        if sleeping.load(ordering: .sequentiallyConsistent) > 0 { wake() }
        work()
        isOpen.store(false, ordering: .sequentiallyConsistent)
        var spins = 0
        while active.load(ordering: .sequentiallyConsistent) > 0 {
            errata_pause()
            spins += 1
            if spins > 4096 { sched_yield() }
        }
        self.body = { _ in }
        isBusy.store(false, ordering: .releasing)
        return true
    }

    /// Takes part in the job, if there is one.
    fileprivate func join() {
        active.add(1, ordering: .sequentiallyConsistent)
        if isOpen.load(ordering: .sequentiallyConsistent) { work() }
        active.subtract(1, ordering: .sequentiallyConsistent)
    }

    private func work() {
        while true {
            let chunk = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard chunk < count else { return }
            body(chunk)
        }
    }

    /// Puts a worker to sleep until the next job, unless that is there already.
    fileprivate func sleep(_ worker: Worker, since seen: Int) {
        sleepers.withLock { $0.append(worker) }
        sleeping.add(1, ordering: .sequentiallyConsistent)
        if generation.load(ordering: .sequentiallyConsistent) != seen { wake() }
        worker.alarm.wait()
    }

    private func wake() {
        let woken = sleepers.withLock { sleepers in
            defer { sleepers = [] }
            return sleepers
        }
        sleeping.subtract(woken.count, ordering: .sequentiallyConsistent)
        for worker in woken { worker.alarm.signal() }
    }

    func dismiss() {
        isDismissed.store(true, ordering: .sequentiallyConsistent)
        generation.add(1, ordering: .sequentiallyConsistent)
        wake()
    }
}

/// A thread that works on a team's jobs until the team is dismissed.
private final class Worker: Sendable {
    fileprivate let alarm = DispatchSemaphore(value: 0)
    private let team: Team

    init(_ team: Team) { self.team = team }

    /// - Returns: 0, or why the system gives no thread.
    func start() -> Int32 { startThread { self.run() } }

    private func run() {
        var seen = 0
        while true {
            var spins = 0
            while team.generation.load(ordering: .acquiring) == seen {
                errata_pause()
                spins += 1
                if spins == 8192 {
                    team.sleep(self, since: seen)
                    spins = 0
                }
            }
            seen = team.generation.load(ordering: .acquiring)
            if team.isDismissed.load(ordering: .acquiring) { return }
            team.join()
        }
    }
}
