import Datasets
import TensorEngine
import Testing

@Suite("The procedural data set")
struct ProceduralDatasetTests {
    @Test("is a function of its stream", arguments: [1, 3])
    func determinism(channels: Int) throws {
        func set(_ seed: UInt64, count: Int = 20) throws -> ProceduralDataset {
            try ProceduralDataset(
                count: count, height: 12, width: 16, channels: channels, random: RandomStream(seed: seed))
        }
        let (set1, same, other) = try (set(1), set(1, count: 40), set(2))
        #expect(set1.imageByteCount == 12 * 16 * channels)
        #expect(set1.classNames.count == 10 && Set(set1.classNames).count == 10)
        for index in 0..<20 {
            #expect(set1.labels[index] == Int32(index % 10))
            #expect(try set1.image(index) == same.image(index))
            #expect(try set1.image(index) != other.image(index))
        }
        #expect(try Set((0..<20).map(set1.image)).count == 20)
    }

    @Test("can be learnt, but not from pixels alone: nearest neighbours do better than chance, not perfectly")
    func difficulty() throws {
        let training = try ProceduralDataset(count: 500, height: 16, width: 16, random: RandomStream(seed: 1))
        let test = try ProceduralDataset(count: 100, height: 16, width: 16, random: RandomStream(seed: 2))
        /// Images at mean 0, up to the sign of their contrast.
        func standardized(_ image: [UInt8]) -> [Float] {
            let mean = image.reduce(Float(0)) { $0 + Float($1) } / Float(image.count)
            let centered = image.map { Float($0) - mean }
            let norm = centered.reduce(0) { $0 + $1 * $1 }.squareRoot()
            return centered.map { $0 / norm }
        }
        let known = try (0..<training.count).map { standardized(try training.image($0)) }
        var correct = 0
        for index in 0..<test.count {
            let image = standardized(try test.image(index))
            let similarities = known.map { abs(zip($0, image).reduce(0) { $0 + $1.0 * $1.1 }) }
            let nearest = similarities.indices.max { similarities[$0] < similarities[$1] }!
            if training.labels[nearest] == test.labels[index] { correct += 1 }
        }
        #expect((40...95).contains(correct), "\(correct) of 100")
    }

    @Test("refuses sizes and counts that make no sense")
    func refusals() {
        let random = RandomStream(seed: 1)
        let refused: [() throws -> ProceduralDataset] = [
            { try ProceduralDataset(count: 0, random: random) },
            { try ProceduralDataset(count: 1, height: 3, random: random) },
            { try ProceduralDataset(count: 1, channels: 2, random: random) },
            { try ProceduralDataset(count: 1, classes: 11, random: random) },
            { try ProceduralDataset(count: 1, classes: 0, random: random) },
            { try ProceduralDataset(count: 1, noise: .nan, random: random) },
        ]
        for make in refused { #expect(throws: DatasetError.self, performing: make) }
    }
}
