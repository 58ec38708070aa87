import Datasets
import TensorEngine
import Testing

@Suite("Normalisation")
struct PixelNormalizationTests {
    @Test("Mean and deviation are those of all pixels, per channel")
    func statistics() throws {
        let set = NumberedDataset(count: 9, channels: 3)
        let normalization = try PixelNormalization(of: set)
        for channel in 0..<3 {
            var values: [Double] = []
            for index in 0..<9 {
                for row in 0..<4 {
                    for column in 0..<5 { values.append(Double(set.byte(index, row, column, channel)) / 255) }
                }
            }
            let mean = values.reduce(0, +) / 180
            let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 180
            #expect(abs(normalization.mean[channel] - mean) < 1e-12)
            #expect(abs(normalization.deviation[channel] - variance.squareRoot()) < 1e-12)
        }
    }

    @Test("What a loader normalises by the set's own statistics has mean 0 and deviation 1")
    func standardization() throws {
        let set = try ProceduralDataset(
            count: 64, height: 8, width: 8, channels: 3, random: RandomStream(seed: 3))
        let loader = try BatchLoader(
            set, .init(batchSize: 64, normalization: try PixelNormalization(of: set), dtype: .float64),
            on: backend, random: RandomStream(seed: 4))
        let images = try loader.batch(step: 0).images
        for mean in try images.mean(axes: [0, 1, 2]).doubles() { #expect(abs(mean) < 1e-12) }
        for power in try images.squared().mean(axes: [0, 1, 2]).doubles() { #expect(abs(power - 1) < 1e-12) }
    }

    @Test("A constant channel is only shifted")
    func constantChannel() throws {
        let set = try Subset(NumberedDataset(count: 1, height: 1, width: 1, channels: 2), indices: [0, 0])
        let normalization = try PixelNormalization(of: set)
        #expect(normalization.mean == [0, 1.0 / 255])
        #expect(normalization.deviation == [1, 1])
    }

    @Test("The map from tanh's range takes originals to normalised images, and its inverse back")
    func tanhRange() throws {
        let set = NumberedDataset(count: 6, channels: 3)
        let normalization = try PixelNormalization(mean: [0.2, 0.5, 0.7], deviation: [0.3, 0.2, 0.9])
        let loader = try BatchLoader(
            set, .init(batchSize: 6, normalization: normalization, includesOriginals: true, dtype: .float64),
            on: backend, random: RandomStream(seed: 4))
        let batch = try loader.batch(step: 0)
        let originals = try #require(batch.originals)
        #expect(try originals.doubles().allSatisfy { abs($0) <= 1 })
        let there = try (normalization.fromTanhRange(originals) - batch.images).doubles()
        let back = try (normalization.fromTanhRange.inverse(batch.images) - originals).doubles()
        #expect((there + back).allSatisfy { abs($0) < 1e-12 })
        let first = try bytes(originals * 0.5 + 0.5)
        #expect(Set(first).isSubset(of: Set(try (0..<6).flatMap(set.image).map(Int.init))))
    }

    @Test("Numbers that cannot normalise are refused")
    func refusals() throws {
        for (mean, deviation) in [
            ([], []), ([0.5], [0.5, 0.5]), ([0.5], [0]), ([0.5], [-1]), ([0.5], [.infinity]), ([.nan], [1]),
        ] as [([Double], [Double])] {
            #expect(throws: DatasetError.self) { try PixelNormalization(mean: mean, deviation: deviation) }
        }
        let empty = try Subset(NumberedDataset(count: 1), indices: [])
        #expect(throws: DatasetError.self) { try PixelNormalization(of: empty) }
    }
}
