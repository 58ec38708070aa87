import Foundation
import Synchronization
import TensorEngine

/// Runs a function once a rank, each on a thread of its own, as the processes of one run do.
///
/// - Returns: what it returns, by rank.
/// - Throws: what it throws on the first rank that throws; `RankError` if the ranks do not sum the same things.
public func onRanks<Value: Sendable>(
    _ size: Int, _ body: @escaping @Sendable (any Communicator) throws -> Value
) throws -> [Value] {
    let meeting = Meeting(of: size)
    let results = Mutex<[Int: Result<Value, any Error>]>([:])
    let group = DispatchGroup()
    withExtendedLifetime(results) {
        for rank in 0..<size {
            group.enter()
            Thread {
                let result = Result { try body(ThreadCommunicator(rank: rank, size: size, meeting: meeting)) }
                results.withLock { $0[rank] = result }
                meeting.leave()
                group.leave()
            }.start()
        }
        group.wait()
    }
    return try (0..<size).map { rank in try results.withLock { $0[rank]! }.get() }
}

public struct RankError: Error, CustomStringConvertible {
    public let description: String
}

private struct ThreadCommunicator: Communicator {
    let rank: Int
    let size: Int
    let meeting: Meeting

    func sum(_ tensors: [Tensor]) throws -> [Tensor] {
        let all = try meeting.gather(tensors.map { try $0.doubles() }, from: rank)
        return try tensors.enumerated().map { index, tensor in
            let sums = try all.dropFirst().reduce(all[0][index]) { sums, other in
                guard other.count == tensors.count, other[index].count == sums.count else {
                    throw RankError(description: "the ranks sum tensors of different shapes")
                }
                return zip(sums, other[index]).map(+)
            }
            return try tensor.backend.tensor(sums, tensor.shape).cast(to: tensor.dtype)
        }
    }

    func any(_ flag: Bool) throws -> Bool {
        try meeting.gather([[flag ? 1 : 0]], from: rank).contains { $0 != [[0]] }
    }
}

/// Where ranks exchange numbers: each waits until all have come.
private final class Meeting: @unchecked Sendable {
    private let size: Int
    private let condition = NSCondition()
    private var offered: [Int: [[Double]]] = [:]
    private var result: [[[Double]]] = []
    private var round = 0
    private var isOver = false

    init(of size: Int) { self.size = size }

    /// What all ranks bring, by rank.
    func gather(_ mine: [[Double]], from rank: Int) throws -> [[[Double]]] {
        condition.lock()
        defer { condition.unlock() }
        offered[rank] = mine
        if offered.count == size {
            result = (0..<size).map { offered[$0]! }
            offered = [:]
            round += 1
            condition.broadcast()
            return result
        }
        let current = round
        while round == current {
            guard !isOver else { throw RankError(description: "rank \(rank) waits for one that has left") }
            condition.wait()
        }
        return result
    }

    /// Says that a rank will not come any more.
    func leave() {
        condition.lock()
        isOver = true
        condition.broadcast()
        condition.unlock()
    }
}
