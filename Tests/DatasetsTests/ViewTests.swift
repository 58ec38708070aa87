import Datasets
import TensorEngine
import Testing

@Suite("Padding, subsets and splits")
struct ViewTests {
    let set = NumberedDataset(count: 50, channels: 2)
    let random = RandomStream(seed: 5, "views")

    @Test("Padding surrounds an image with black")
    func padding() throws {
        let padded = try PaddedDataset(set, padding: 2)
        #expect(padded.shape == [50, 8, 9, 2])
        #expect(padded.labels == set.labels)
        let image = try padded.image(1)
        for row in 0..<8 {
            for column in 0..<9 {
                for channel in 0..<2 {
                    let inside = (2..<6).contains(row) && (2..<7).contains(column)
                    let expected = inside ? set.byte(1, row - 2, column - 2, channel) : 0
                    #expect(image[(row * 9 + column) * 2 + channel] == expected)
                }
            }
        }
        #expect(throws: DatasetError.self) { try PaddedDataset(set, padding: -1) }
    }

    @Test("A subset has its images and their labels, and no others")
    func subset() throws {
        let subset = try Subset(set, indices: [7, 4, 7])
        #expect(subset.labels == [1, 0, 1])
        #expect(try (0..<3).map(subset.image) == [7, 4, 7].map(set.image))
        #expect(throws: DatasetError.self) { try subset.image(3) }
        #expect(throws: DatasetError.self) { try Subset(set, indices: [50]) }
    }

    @Test("A split by class leaves every class its part; it is made where a class is small, or as asked")
    func stratifiedSplit() throws {
        func counts(_ images: Int, small: Int, _ method: Split.Method = .automatic) throws -> [Int] {
            let labels = (0..<images).map { Int32($0 < small ? 1 : 0) }
            let set = try ArrayDataset(
                name: "two", height: 1, width: 1, channels: 1, classNames: ["many", "few", "none"],
                labels: labels, pixels: [UInt8](repeating: 0, count: images))
            let split = try Split(set, method: method, random: random)
            #expect(Set(split.training.indices + split.validation.indices) == Set(0..<images))
            return [split.training, split.validation].map { $0.labels.count { $0 == 1 } }
        }
        for small in [4, 20, 98] { #expect(try counts(300, small: small) == [small / 2, small / 2]) }
        #expect(try counts(300, small: 20, .stratified) == [10, 10])
        #expect(try counts(300, small: 150) == counts(300, small: 150, .random))
        #expect(try counts(300, small: 150) != counts(300, small: 150, .stratified))
        #expect(try counts(300, small: 98, .random) != [49, 49])
    }

    /// As many images of each of ten classes as CIFAR-10's training part has.
    private struct TenClasses: Dataset {
        let name = "ten"
        var height: Int { 1 }
        var width: Int { 1 }
        var channels: Int { 1 }
        let classNames = (0..<10).map { "class \($0)" }
        let labels = (0..<50_000).map { Int32($0 % 10) }

        func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {}
    }

    @Test("A long tail has the published counts, of the same images in a longer one")
    func longTail() throws {
        let set = TenClasses()
        let tail = try set.longTailed(ratio: 100, random: random)
        #expect(tail.classCounts == [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50])
        let step = try set.longTailed(ratio: 100, kind: .step, random: random)
        #expect(step.classCounts == [Int](repeating: 5000, count: 5) + [Int](repeating: 50, count: 5))
        #expect(try set.longTailed(ratio: 1, random: random).indices == Array(0..<50_000))
        #expect(try set.longTailed(ratio: 1e9, random: random).classCounts.last == 1)
        let shorter = try set.longTailed(ratio: 10, random: random)
        #expect(Set(tail.indices).isSubset(of: shorter.indices))
        #expect(try tail.indices == set.longTailed(ratio: 100, random: random).indices)
        #expect(
            try tail.indices != set.longTailed(ratio: 100, random: RandomStream(seed: 6, "views")).indices)
        #expect(throws: DatasetError.self) { try set.longTailed(ratio: 0.5, random: random) }
    }

    @Test("A split's parts are disjoint, are everything, and depend on the stream alone")
    func split() throws {
        let split = try Split(set, trainingFraction: 0.6, random: random)
        #expect([split.training.count, split.validation.count] == [30, 20])
        #expect(Set(split.training.indices + split.validation.indices) == Set(0..<50))
        #expect(
            try Split(set, trainingFraction: 0.6, random: random).training.indices == split.training.indices)
        let other = try Split(set, trainingFraction: 0.6, random: RandomStream(seed: 6, "views"))
        #expect(other.training.indices != split.training.indices)
        for fraction in [0, 1, -0.5, .nan, 0.001, 0.999] {
            #expect(throws: DatasetError.self) {
                try Split(set, trainingFraction: fraction, random: random)
            }
        }
    }

    @Test("A smaller limit takes some of a larger one's images")
    func limit() throws {
        let (small, large) = try (set.limited(to: 10, random: random), set.limited(to: 20, random: random))
        #expect(Set(small.indices).count == 10)
        #expect(Set(small.indices).isSubset(of: large.indices))
        for count in [0, 51] {
            #expect(throws: DatasetError.self) { try set.limited(to: count, random: random) }
        }
    }
}
