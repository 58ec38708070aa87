import Datasets
import Foundation
import Testing

/// Files that must be refused, and a phrase of the reason.
struct HostileFile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let bytes: [UInt8]
    let reason: String

    init(_ description: String, _ bytes: [UInt8], _ reason: String) {
        testDescription = description
        self.bytes = bytes
        self.reason = reason
    }
}

@Suite("IDX files")
struct IDXTests {
    static let elements = (0..<24).map { UInt8($0 * 10) }
    static let sound = idx([2, 3, 4], elements)
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    @Test("are read plainly and as gzip of one member or more, whatever their names")
    func soundFiles() throws {
        let halves = gzip(Array(Self.sound[..<9])) + gzip(Array(Self.sound[9...]))
        for (index, bytes) in [Self.sound, gzip(Self.sound), halves].enumerated() {
            let array = try NumericArray(idx: directory.file("sound\(index)", bytes))
            #expect(array.extents == [2, 3, 4])
            #expect(array.bytes == Self.elements)
        }
    }

    @Test("larger than a buffer survive compression")
    func largeFile() throws {
        var state: UInt32 = 1
        let noise = (0..<3_000_000).map { _ in
            state = state &* 1_664_525 &+ 1_013_904_223
            return UInt8(state >> 24)
        }
        let path = try directory.file("large.gz", gzip(idx([3_000_000], noise)))
        #expect(try NumericArray(idx: path).bytes == noise)
    }

    static let hostile: [HostileFile] = [
        .init("empty", [], "ends after 0 bytes of IDX header"),
        .init("one byte", [0], "ends after 1 bytes of IDX header"),
        .init("wrong magic", Array("PNG!".utf8) + sound, "begins with bytes 80, 78"),
        .init(
            "half a float", idx([2], [UInt8](repeating: 0, count: 6), type: 0x0D),
            "2 elements of float32, but"),
        .init("unknown elements", idx([2], [0, 0], type: 0x77), "type is 119, expected 8"),
        .init("rank 0", idx([], [0]), "the rank is 0"),
        .init("rank 255", [0, 0, 8, 255], "the rank is 255"),
        .init("truncated extents", Array(sound[..<10]), "ends after 6 bytes of IDX extents"),
        .init("an extent of 0", idx([0, 3, 4], []), "claims 0×3×4 elements, expected at least one"),
        .init(
            "truncated elements", Array(sound.dropLast()),
            "claims 2×3×4 elements of uint8, but a file of this size"),
        .init("trailing byte", sound + [0], "bytes follow the 2×3×4 elements"),
        .init("4 billion images", idx([.max, 28, 28], elements), "expected at most"),
        .init("extents whose product overflows", idx([.max, .max, .max], elements), "expected at most"),
        .init("1 GiB in 40 bytes", idx([1 << 20, 32, 32], elements), "a file of this size can hold 24"),
        .init("1 GiB in 40 bytes of gzip", gzip(idx([1 << 20, 32, 32], elements)), "a file of this size"),
        .init("gzip that inflates to less", gzip(idx([2, 3, 5], elements)), "ends after 24 bytes"),
        .init("gzip that inflates to more", gzip(sound + [0]), "bytes follow the 2×3×4 elements"),
        .init(
            "gzip that inflates to very much more", gzip(sound + [UInt8](repeating: 0, count: 1 << 20)),
            "bytes follow the 2×3×4 elements"),
        .init("truncated gzip", Array(gzip(sound).dropLast(12)), "gzip data end early"),
        .init("gzip without its trailer", Array(gzip(sound).dropLast(8)), "gzip data end early"),
        .init("gzip's header alone", Array(gzip(sound)[..<10]), "gzip data end early"),
        .init("gzip with a wrong checksum", flipped(gzip(sound), fromEnd: 6), "incorrect data check"),
        .init("gzip with a wrong length", flipped(gzip(sound), fromEnd: 2), "incorrect length check"),
        .init(
            "gzip of an unknown method", [0x1F, 0x8B, 9] + gzip(sound)[3...], "unknown compression method"),
        .init("gzip followed by a text", gzip(sound) + Array("text".utf8), "something follows the gzip data"),
        .init(
            "gzip followed by the header of another", gzip(sound) + gzip(sound)[..<10], "gzip data end early"),
    ]

    @Test("that are unsound are refused with the reason", arguments: hostile)
    func hostileFile(_ file: HostileFile) throws {
        let path = try directory.file("hostile", file.bytes)
        let error = try #require(throws: DatasetError.self) { try NumericArray(idx: path) }
        #expect(error.subject == path)
        #expect(error.reason.contains(file.reason), "\(error)")
    }

    @Test("never crash the reader, wherever they are cut or a byte is changed")
    func corruption() throws {
        let compressed = gzip(Self.sound)
        for original in [Self.sound, compressed] {
            for index in original.indices {
                let cut = try directory.file("cut", Array(original[..<index]))
                #expect(throws: DatasetError.self) { try NumericArray(idx: cut) }
                for bit in 0..<8 {
                    var changed = original
                    changed[index] ^= 1 << bit
                    let path = try directory.file("changed", changed)
                    do { _ = try NumericArray(idx: path) } catch is DatasetError {}
                }
            }
        }
    }

    @Test("that are missing, or directories or devices, are refused")
    func noFile() throws {
        for (path, reason) in [
            (directory.path + "/missing", "cannot be opened: No such file"),
            (directory.path, "no regular"),
            ("/dev/zero", "no regular file"),
        ] {
            let error = try #require(throws: FileError.self) { try NumericArray(idx: path) }
            #expect(error.reason.contains(reason), "\(error)")
        }
    }

    @Test("larger than the limit are refused")
    func limit() throws {
        let path = try directory.file("sound", Self.sound)
        #expect(try NumericArray(idx: path, limit: 24).bytes.count == 24)
        #expect(throws: DatasetError.self) { try NumericArray(idx: path, limit: 23) }
    }

    private static func flipped(_ bytes: [UInt8], fromEnd distance: Int) -> [UInt8] {
        var bytes = bytes
        bytes[bytes.count - distance] ^= 0x10
        return bytes
    }
}

@Suite("Images and labels in IDX files")
struct IDXDatasetTests {
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func dataset(_ images: [UInt8], _ labels: [UInt8]) throws -> ArrayDataset {
        try ArrayDataset(
            idxImages: directory.file("images", images), labels: directory.file("labels", labels),
            classNames: ["a", "b", "c"], name: "letters")
    }

    @Test("make a data set of grey images") func grey() throws {
        let set = try dataset(idx([2, 3, 4], IDXTests.elements), idx([2], [2, 0]))
        #expect(set.shape == [2, 3, 4, 1])
        #expect(set.labels == [2, 0])
        #expect(try set.image(1) == Array(IDXTests.elements[12...]))
    }

    @Test("make a data set of colour images") func colour() throws {
        let set = try dataset(gzip(idx([2, 2, 2, 3], IDXTests.elements)), gzip(idx([2], [2, 0])))
        #expect(set.shape == [2, 2, 2, 3])
        #expect(try set.image(0) == Array(IDXTests.elements[..<12]))
    }

    @Test("must agree: counts, classes, ranks") func disagreement() throws {
        let images = idx([2, 3, 4], IDXTests.elements)
        for (images, labels, reason) in [
            (images, idx([3], [0, 1, 2]), "3 labels, expected 2"),
            (images, idx([2], [0, 3]), "label 3 of image 1, expected one below the 3 classes"),
            (images, idx([2], [1, 3]), "below the 3 classes; no label is 0: do they begin at 1?"),
            (images, images, "the rank is 3, expected 1"),
            (idx([2], [0, 1]), idx([2], [0, 1]), "the rank is 1, expected 3 or 4"),
        ] {
            let error = try #require(throws: DatasetError.self) { try dataset(images, labels) }
            #expect(error.reason.contains(reason), "\(error)")
        }
        // These begin neither at 0 nor at 1, or have a hole.
        for labels: [UInt8] in [[0, 3], [1, 4], [2, 9]] {
            let error = try #require(throws: DatasetError.self) { try dataset(images, idx([2], labels)) }
            #expect(error.reason.hasSuffix("expected one below the 3 classes"), "\(error)")
        }
    }

    @Test(
        "have classes whose names differ and stand on a line",
        arguments: [
            ([], "no classes"), (["a", ""], "the name of class 1 is empty"),
            (["a", "b", "a"], "classes 0 and 2 are both called 'a'"),
            (["a\nb", "c"], "the name of class 0 is empty or has control characters"),
            (["a", "\u{1B}[31mred"], "the name of class 1"), (["a", "b\u{2028}"], "the name of class 1"),
        ])
    func names(_ names: [String], _ reason: String) throws {
        let (images, labels) = try (
            directory.file("images", idx([2, 3, 4], IDXTests.elements)),
            directory.file("labels", idx([2], [0, 0]))
        )
        let error = try #require(throws: DatasetError.self) {
            try ArrayDataset(idxImages: images, labels: labels, classNames: names, name: "letters")
        }
        #expect(error.subject == "letters" && error.reason.contains(reason), "\(error)")
    }

    @Test("serve only the images there are, to buffers that fit") func bounds() throws {
        let set = try dataset(idx([2, 3, 4], IDXTests.elements), idx([2], [2, 0]))
        for index in [-1, 2] {
            #expect(throws: DatasetError.self) { try set.image(index) }
        }
        let small = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 11)
        defer { small.deallocate() }
        #expect(throws: DatasetError.self) { try set.copyImage(0, into: small) }
    }
}
