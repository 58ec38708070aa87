import Datasets
import Foundation
import Testing

@Suite("CIFAR-10 and CIFAR-100, binary archives")
struct CIFARTests {
    let directory: TemporaryDirectory
    static let names = (0..<10).map { "kind \($0)" }
    static let fine = (0..<100).map { "fine \($0)" }
    static let coarse = (0..<20).map { "coarse \($0)" }

    init() throws { directory = try TemporaryDirectory() }

    /// A pixel's byte, which tells where it is.
    private static func byte(_ image: Int, _ channel: Int, _ pixel: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: image * 7 + channel * 85 + pixel)
    }

    private static func records(_ images: Range<Int>, labels: (Int) -> [UInt8]) -> [UInt8] {
        images.flatMap { image in
            labels(image) + (0..<3).flatMap { channel in (0..<1024).map { byte(image, channel, $0) } }
        }
    }

    private static func lines(_ names: [String]) -> [UInt8] {
        Array((names + [""]).joined(separator: "\n").utf8)
    }

    /// Three images in each batch.
    static let ten: [(name: String, contents: [UInt8])] = {
        var files: [(name: String, contents: [UInt8])] = []
        for batch in 0..<6 {
            let name = batch < 5 ? "data_batch_\(batch + 1).bin" : "test_batch.bin"
            files.append((name, records(3 * batch..<3 * batch + 3) { [UInt8($0 % 10)] }))
        }
        return files + [("batches.meta.txt", lines(names)), ("readme.html", [])]
    }()

    static let hundred: [(name: String, contents: [UInt8])] = [
        ("train.bin", records(0..<4) { [UInt8($0 % 20), UInt8(20 * $0)] }),
        ("test.bin", records(4..<6) { [UInt8($0), UInt8(99 - $0)] }),
        ("fine_label_names.txt", lines(fine)), ("coarse_label_names.txt", lines(coarse)),
    ]

    private func unpack(_ files: [(name: String, contents: [UInt8])], in folder: String) throws -> String {
        try FileManager.default.createDirectory(
            atPath: "\(directory.path)/\(folder)", withIntermediateDirectories: true)
        for file in files { _ = try directory.file("\(folder)/\(file.name)", file.contents) }
        return "\(directory.path)/\(folder)"
    }

    private func archive(_ files: [(name: String, contents: [UInt8])]) -> [UInt8] {
        tar(files.map { ("folder/\($0.name)", $0.contents) })
    }

    private func check(_ contents: CIFAR.Contents) throws {
        #expect(contents.training.shape == [15, 32, 32, 3])
        #expect(contents.test.shape == [3, 32, 32, 3])
        #expect(contents.training.classNames == Self.names && contents.test.classNames == Self.names)
        #expect(contents.training.labels == (0..<15).map { Int32($0 % 10) })
        #expect(contents.test.labels == [5, 6, 7])
        for (image, bytes) in [(4, try contents.training.image(4)), (16, try contents.test.image(1))] {
            #expect(bytes == (0..<1024).flatMap { pixel in (0..<3).map { Self.byte(image, $0, pixel) } })
        }
    }

    @Test("are read from the archive, plain or gzipped, the folder it unpacks to, and a folder with either")
    func places() throws {
        let bytes = archive(Self.ten)
        try check(CIFAR.ten.load(from: directory.file("plain", bytes)))
        let folder = try unpack(Self.ten, in: "a/cifar-10-batches-bin")
        try check(CIFAR.ten.load(from: folder))
        try check(CIFAR.ten.load(from: directory.path + "/a"))
        _ = try unpack([("cifar-10-binary.tar.gz", gzip(bytes))], in: "b")
        try check(CIFAR.ten.load(from: directory.path + "/b"))
        try check(CIFAR.ten.load(from: directory.path + "/b/cifar-10-binary.tar.gz"))
    }

    @Test("of CIFAR-100 have fine or coarse labels")
    func labels() throws {
        let path = try unpack(Self.hundred, in: "cifar-100-binary")
        let fine = try CIFAR.hundred(.fine).load(from: path)
        #expect(fine.training.labels == [0, 20, 40, 60] && fine.test.labels == [95, 94])
        #expect(fine.training.classNames == Self.fine)
        let coarse = try CIFAR.hundred(.coarse).load(from: path)
        #expect(coarse.training.labels == [0, 1, 2, 3] && coarse.test.labels == [4, 5])
        #expect(coarse.test.classNames == Self.coarse)
        #expect(try coarse.test.image(1)[..<3] == [35, 120, 205])
    }

    @Test("that are not the published ones are said to be so")
    func notices() throws {
        let small = try CIFAR.ten.load(from: unpack(Self.ten, in: "small"))
        #expect(small.notices.count == 6)
        #expect(
            small.notices[5]
                == "\(directory.path)/small/test_batch.bin has 3 images, the published one 10000")
        let whole = [("data_batch_1.bin", [UInt8](repeating: 3, count: 10_000 * 3073))]
        let other = try CIFAR.ten.load(from: unpack(whole + Self.ten[1...], in: "other"))
        #expect(other.notices.count == 6)
        #expect(other.notices[0].contains("data_batch_1.bin does not hold the published images"))
    }

    @Test("that are missing are asked for by name")
    func missing() throws {
        for set in [CIFAR.ten, .hundred(.fine)] {
            for path in [directory.path + "/none", directory.path] {
                let error = try #require(throws: DatasetError.self) { try set.load(from: path) }
                #expect(error.reason.contains(set.expected) && error.subject == path)
            }
        }
        #expect(CIFAR.ten.expected.contains("cifar-10-binary.tar.gz"))
        #expect(CIFAR.hundred(.fine).expected.contains("cifar-100-binary.tar.gz"))
        let path = try directory.file(
            "incomplete", archive(Self.ten.filter { $0.name != "data_batch_3.bin" }))
        let error = try #require(throws: DatasetError.self) { try CIFAR.ten.load(from: path) }
        #expect(error.reason.contains("has no data_batch_3.bin"))
    }

    @Test(
        "that are damaged are refused with file and place",
        arguments: [
            (
                "data_batch_2.bin", ten[1].contents.dropLast(),
                "9218 bytes, expected a multiple of 3073: 2 images and 3072"
            ),
            ("data_batch_2.bin", [], "0 bytes, expected a multiple"),
            (
                "test_batch.bin", ten[5].contents[..<3073] + [10] + ten[5].contents[3074..<6146],
                "byte 3073: label 10 of image 1"
            ),
            ("batches.meta.txt", lines(names + ["more"])[...], "11 names, expected 10"),
            ("batches.meta.txt", lines([String](repeating: "a", count: 10))[...], "are both called 'a'"),
        ] as [(String, ArraySlice<UInt8>, String)])
    func damaged(_ file: String, _ contents: ArraySlice<UInt8>, _ reason: String) throws {
        let files = Self.ten.map { $0.name == file ? ($0.name, Array(contents)) : $0 }
        let error = try #require(throws: DatasetError.self) {
            try CIFAR.ten.load(from: directory.file("damaged", archive(files)))
        }
        #expect("\(error)".contains(reason), "\(error)")
    }

    @Test("never crash the reader, whatever is wrong with them")
    func fuzzing() throws {
        let bytes = tar(Self.hundred.map { ($0.name, Array($0.contents.prefix(3074))) })
        #expect(
            try fuzz(bytes, count: 200) {
                _ = try CIFAR.hundred(.fine).load(from: directory.file("fuzzed", $0))
            } > 0)
    }
}
