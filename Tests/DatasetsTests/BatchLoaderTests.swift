import Datasets
import Glibc
import Synchronization
import TensorEngine
import Testing

@Suite("Loading batches")
struct BatchLoaderTests {
    let set = NumberedDataset(count: 23)
    let augmentation = Augmentation(cropPadding: 1, horizontalFlip: true, cutoutLength: 2)

    private func makeLoader(
        _ set: any Dataset, batchSize: Int = 5, shuffles: Bool = true, dropsLast: Bool = true,
        augmentation: Augmentation = .none, dtype: DType = .float32, seed: UInt64 = 1
    ) throws -> BatchLoader {
        try BatchLoader(
            set,
            .init(
                batchSize: batchSize, shuffles: shuffles, dropsLast: dropsLast, augmentation: augmentation,
                normalization: try identity(), includesOriginals: true, dtype: dtype), on: backend,
            random: RandomStream(seed: seed))
    }

    /// The first byte of each image tells which it is.
    private func members(_ batch: Batch) throws -> [Int] {
        let bytes = try bytes(batch.images)
        return try stride(from: 0, to: bytes.count, by: 20).map { position in
            try #require((0..<23).first { set.byte($0, 0, 0) == bytes[position] })
        }
    }

    private func contents(_ batch: Batch) throws -> [[Double]] {
        try [batch.images.doubles(), batch.originals!.doubles(), batch.labels.doubles()]
    }

    @Test("takes every image once an epoch, with its label, in an order of the epoch's own")
    func epochs() throws {
        let loader = try makeLoader(set, dropsLast: false)
        #expect(loader.batchesPerEpoch == 5)
        var orders: [[Int]] = []
        for epoch in 0..<2 {
            var order: [Int] = []
            for index in 0..<5 {
                let batch = try loader.batch(step: epoch * 5 + index)
                let count = index < 4 ? 5 : 3
                #expect(batch.images.shape == [count, 4, 5, 1])
                let members = try members(batch)
                #expect(try batch.labels.values(of: Int32.self) == members.map { set.labels[$0] })
                order += members
            }
            #expect(order.sorted() == Array(0..<23))
            orders.append(order)
        }
        #expect(orders[0] != orders[1])
        #expect(orders[0] != Array(0..<23))
    }

    @Test("keeps the order where it is not to shuffle, and drops the last where told")
    func order() throws {
        let options = BatchLoader.Options.evaluation(batchSize: 8, normalization: try identity())
        let evaluation = try BatchLoader(set, options, on: backend, random: RandomStream(seed: 1))
        #expect(try (0..<3).flatMap { try members(evaluation.batch(step: $0)) } == Array(0..<23))
        #expect(try evaluation.batch(step: 0).originals == nil)
        let dropping = try makeLoader(set, shuffles: false)
        #expect(dropping.batchesPerEpoch == 4)
        #expect(try members(dropping.batch(step: 4)) == Array(0..<5))
    }

    @Test("makes a batch from its number alone", arguments: [DType.float32, .float64])
    func purity(dtype: DType) throws {
        let first = try makeLoader(set, augmentation: augmentation, dtype: dtype)
        let forwards = try (0..<12).map { try contents(first.batch(step: $0)) }
        let second = try makeLoader(set, augmentation: augmentation, dtype: dtype)
        for step in (0..<12).reversed() {
            #expect(try contents(second.batch(step: step)) == forwards[step])
        }
        #expect(try first.batch(step: 0).images.dtype == dtype)
        #expect(Set(forwards).count == 12)
        let other = try makeLoader(set, augmentation: augmentation, dtype: dtype, seed: 2)
        #expect(try contents(other.batch(step: 0)) != forwards[0])
    }

    @Test("makes the same batches on several threads at once")
    func concurrency() async throws {
        let loader = try makeLoader(set, augmentation: augmentation)
        let expected = try (0..<12).map {
            try contents(makeLoader(set, augmentation: augmentation).batch(step: $0))
        }
        try await withThrowingTaskGroup(of: (Int, [[Double]]).self) { group in
            for step in 0..<12 { group.addTask { (step, try contents(loader.batch(step: step))) } }
            for try await (step, contents) in group { #expect(contents == expected[step]) }
        }
    }

    @Test("augments an image otherwise in each epoch")
    func variation() throws {
        let loader = try makeLoader(
            try Subset(set, indices: [3]), batchSize: 1, augmentation: Augmentation(cropPadding: 2))
        let images = try (0..<40).map { try loader.batch(step: $0).images.doubles() }
        #expect(Set(images).count > 10)
        #expect(try Set((0..<40).map { try loader.batch(step: $0).originals!.doubles() }).count == 1)
    }

    @Test("refuses what makes no batch")
    func refusals() throws {
        #expect(throws: DatasetError.self) { try makeLoader(set, batchSize: 0) }
        #expect(throws: DatasetError.self) { try makeLoader(set, batchSize: 24) }
        #expect(throws: DatasetError.self) { try makeLoader(set, dtype: .int32) }
        #expect(throws: DatasetError.self) { try makeLoader(NumberedDataset(count: 9, channels: 3)) }
        #expect(throws: DatasetError.self) { try makeLoader(Subset(set, indices: []), dropsLast: false) }
        let loader = try makeLoader(set)
        #expect(throws: DatasetError.self) { try loader.batch(step: -1) }
        #expect(throws: DatasetError.self) { try loader.batch(epoch: 0, index: 4) }
        #expect(try loader.batch(step: .max).count == 5)
    }

    @Test("makes the same batches ahead of time, in turn and out of turn")
    func prefetching() throws {
        let loader = try makeLoader(set, augmentation: augmentation)
        let prefetcher = try Prefetcher(try makeLoader(set, augmentation: augmentation), depth: 3)
        #expect(prefetcher.batchesPerEpoch == loader.batchesPerEpoch)
        for step in [0, 1, 2, 3, 4, 5, 5, 100, 101, 2, 4, 6] {
            #expect(try contents(prefetcher.batch(step: step)) == contents(loader.batch(step: step)))
        }
    }

    @Test("tells of an image that cannot be read at the step that has it, and goes on")
    func errors() throws {
        let broken = NumberedDataset(count: 23, broken: 7)
        let prefetcher = try Prefetcher(try makeLoader(broken, shuffles: false))
        for step in 0..<8 {
            if step % 4 == 1 {
                let error = try #require(throws: DatasetError.self) { try prefetcher.batch(step: step) }
                #expect(error.reason == "image 7 is broken")
            } else {
                #expect(try prefetcher.batch(step: step).count == 5)
            }
        }
        #expect(throws: DatasetError.self) { try prefetcher.batch(step: -1) }
        #expect(throws: DatasetError.self) { try PixelNormalization(of: broken) }
    }

    @Test("runs ahead by the depth and no further, and stops with the prefetcher")
    func bounds() throws {
        let counting = CountingSource()
        do {
            let prefetcher = try Prefetcher(counting, depth: 2)
            _ = try prefetcher.batch(step: 0)
            let deadline = ContinuousClock.now + .seconds(10)
            while counting.latest < 2 && ContinuousClock.now < deadline { usleep(1000) }
            #expect(counting.latest == 2)
            for step in 1..<10 {
                _ = try prefetcher.batch(step: step)
                #expect(counting.latest <= step + 2)
            }
        }
        let latest = counting.latest
        #expect(latest <= 11)
        #expect(counting.calls == latest + 1)
        #expect(counting.running == 0)
        for depth in [0, 65] {
            #expect(throws: DatasetError.self) { try Prefetcher(counting, depth: depth) }
        }
    }
}

/// Counts what it is asked for.
private final class CountingSource: BatchSource {
    private let steps = Mutex<[Int]>([])
    private let busy = Atomic(0)
    let batchesPerEpoch = 1

    var latest: Int { steps.withLock { $0.max() ?? -1 } }
    var running: Int { busy.load(ordering: .sequentiallyConsistent) }
    var calls: Int { steps.withLock { $0.count } }

    func batch(step: Int) throws -> Batch {
        busy.add(1, ordering: .sequentiallyConsistent)
        defer { busy.subtract(1, ordering: .sequentiallyConsistent) }
        steps.withLock { $0.append(step) }
        usleep(20_000)
        return Batch(
            images: try backend.zeros([1, 1, 1, 1], .float32), labels: try backend.zeros([1], .int32))
    }
}
