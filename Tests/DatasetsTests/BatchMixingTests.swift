import Datasets
import TensorEngine
import Testing

@Suite("Batches whose images are mixed")
struct BatchMixingTests {
    /// Twelve images of a shade each, 20 times their label.
    private func batches(_ mixing: BatchMixing, _ count: Int = 60, seed: UInt64 = 1) throws -> [Batch] {
        let labels = (0..<12).map { Int32($0) }
        let set = try ArrayDataset(
            name: "shades", height: 10, width: 8, channels: 2, classNames: labels.map(String.init),
            labels: labels,
            pixels: labels.flatMap { [UInt8](repeating: UInt8(20 * $0), count: 160) })
        let loader = try BatchLoader(
            set, .init(batchSize: 12, mixing: mixing, normalization: identity(2), dtype: .float64),
            on: backend,
            random: RandomStream(seed: seed))
        return try (0..<count).map { try loader.batch(step: $0) }
    }

    /// Each image's samples, its own shade and the other's.
    private func images(_ batch: Batch) throws -> [(samples: [Double], own: Double, other: Double)] {
        let samples = try batch.images.doubles().map { $0 * 255 / 20 }
        let own: [Int32] = try batch.labels.values()
        let other: [Int32] = try #require(batch.mixed).labels.values()
        return (0..<12).map {
            (Array(samples[160 * $0..<160 * $0 + 160]), Double(own[$0]), Double(other[$0]))
        }
    }

    @Test("Mixup weighs whole images as it weighs their labels")
    func mixup() throws {
        for alpha in [0.2, 1] {
            let batches = try batches(BatchMixing(mixup: alpha), 400)
            for batch in batches[..<20] {
                let weight = batch.mixed!.weight
                for (samples, own, other) in try images(batch) {
                    #expect(samples.allSatisfy { abs($0 - (1 - weight) * own - weight * other) < 1e-9 })
                }
            }
            let weights = batches.map { $0.mixed!.weight }
            let mean = weights.reduce(0, +) / 400
            let variance = weights.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 400
            #expect(abs(mean - 0.5) < 0.07)
            // Of Beta(α, α).
            #expect(abs(variance * 4 * (2 * alpha + 1) - 1) < 0.15)
        }
    }

    @Test("CutMix puts a rectangle of another image in, whose part of the area is the label's")
    func cutMix() throws {
        let batches = try batches(BatchMixing(cutMix: 1))
        for batch in batches {
            for (samples, own, other) in try images(batch) where own != other {
                let places = samples.indices.filter { abs(samples[$0] - other) < 1e-9 }
                #expect(abs(Double(places.count) / 160 - batch.mixed!.weight) < 1e-9)
                #expect(samples.allSatisfy { abs($0 - own) < 1e-9 || abs($0 - other) < 1e-9 })
                let (rows, columns) = (Set(places.map { $0 / 16 }), Set(places.map { $0 % 16 / 2 }))
                #expect(rows.count * columns.count * 2 == places.count)
            }
        }
        #expect(Set(batches.map { $0.mixed!.weight }).count > 20)
    }

    @Test(
        "Both take turns at random; partners and weights are the seed's alone; without either nothing is mixed"
    )
    func choice() throws {
        let both = try batches(BatchMixing(mixup: 1, cutMix: 1))
        let whole = try both.count { batch in
            try images(batch).allSatisfy { image in image.samples.allSatisfy { $0 == image.samples[0] } }
        }
        #expect((15...45).contains(whole))
        let again = try batches(BatchMixing(mixup: 1, cutMix: 1))
        #expect(try zip(both, again).allSatisfy { try $0.images.doubles() == $1.images.doubles() })
        #expect(
            try both[0].images.doubles()
                != batches(BatchMixing(mixup: 1, cutMix: 1), 1, seed: 2)[0].images.doubles())
        #expect(try batches(.none).allSatisfy { $0.mixed == nil })
    }
}
