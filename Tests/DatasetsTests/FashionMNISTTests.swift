import Datasets
import Foundation
import Testing

@Suite("Fashion-MNIST")
struct FashionMNISTTests {
    static let isInstalled = FileManager.default.fileExists(atPath: FashionMNIST.defaultDirectory)

    @Test("is what its authors published", .enabled(if: isInstalled))
    func contents() throws {
        let training = try FashionMNIST.load(split: .train)
        #expect(training.shape == [60_000, 28, 28, 1])
        #expect(Array(training.labels.prefix(4)) == [9, 0, 0, 3])
        #expect(Dictionary(grouping: training.labels) { $0 }.mapValues(\.count).allSatisfy { $1 == 6_000 })
        #expect(training.classNames[9] == "ankle boot")
        let normalization = try PixelNormalization(of: training)
        #expect(abs(normalization.mean[0] - 0.2860) < 5e-5)
        #expect(abs(normalization.deviation[0] - 0.3530) < 5e-5)
        let test = try FashionMNIST.load(split: .test)
        #expect(test.count == 10_000)
        #expect(Array(test.labels.prefix(4)) == [9, 2, 1, 1])
    }

    @Test("is read from plain files too, and what is missing is named")
    func otherDirectories() throws {
        let directory = try TemporaryDirectory()
        let missing = try #require(throws: DatasetError.self) {
            try FashionMNIST.load(directory: directory.path + "/none", split: .train)
        }
        #expect(missing.description.contains("the Debian package dataset-fashion-mnist"))
        let empty = try #require(throws: DatasetError.self) {
            try FashionMNIST.load(directory: directory.path, split: .test)
        }
        #expect(empty.description.contains("has neither t10k-images-idx3-ubyte nor"))
        _ = try directory.file("t10k-images-idx3-ubyte", idx([2, 3, 4], IDXTests.elements))
        _ = try directory.file("t10k-labels-idx1-ubyte.gz", gzip(idx([2], [7, 1])))
        #expect(try FashionMNIST.load(directory: directory.path, split: .test).labels == [7, 1])
    }
}
