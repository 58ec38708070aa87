import Datasets
import Foundation
import TensorEngine
import Testing

@Suite("Arrays of NumPy and HDF5")
struct NumericArrayTests {
    static let samples = (0..<144).map { UInt8($0) }
    let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func array(_ file: String, _ name: String) throws -> NumericArray {
        try NumericArray(contentsOf: fixturePath(file), array: name)
    }

    @Test(
        "are read in every element type, order of bytes and form",
        arguments: ["arrays.npz", "arrays.h5", "latest.h5"])
    func elements(_ file: String) throws {
        for (name, range) in [
            ("bytes", nil), ("unit", nil), ("double", nil), ("half", nil), ("signed", -100...155),
            ("big", 0...255), ("unit", 0...1), ("bytes", 0...255),
        ] as [(String, ClosedRange<Double>?)] {
            let array = try array(file, name)
            #expect(array.extents == [6, 3, 4, 2])
            #expect(try array.samples(range) == Self.samples, "\(name)")
        }
        for name in ["labels", "column", "floating"] {
            #expect(try array(file, name).labels() == [0, 1, 2, 2, 1, 0], "\(name)")
        }
        #expect(try array(file, "bytes").samples(0...510)[143] == 72)
    }

    @Test("may be packed, or alone")
    func forms() throws {
        for (file, name) in [("compressed.npz", "bytes"), ("bytes.npy", ""), ("arrays.h5", "group/chunked")] {
            #expect(try array(file, name).samples() == Self.samples)
        }
    }

    @Test("make data sets, whose channels may come first")
    func datasets() throws {
        let labels = try array("arrays.npz", "labels")
        for (name, isFirst) in [("bytes", false), ("first", true)] {
            let set = try ArrayDataset(
                images: array("arrays.npz", name), labels: labels, isChannelsFirst: isFirst)
            #expect(set.shape == [6, 3, 4, 2] && set.classNames == ["0", "1", "2"])
            #expect(set.labels == [0, 1, 2, 2, 1, 0])
            #expect(try (0..<6).flatMap { try set.image($0) } == Self.samples)
        }
        let grey = try ArrayDataset(
            images: array("arrays.h5", "grey"), labels: labels, classNames: ["a", "b", "c"])
        #expect(grey.shape == [6, 3, 4, 1] && grey.classNames == ["a", "b", "c"])
        #expect(try grey.image(1) == (12..<24).map { UInt8(2 * $0) })
    }

    @Test("that are not what is wanted are refused with what is there")
    func refusals() throws {
        func reason(_ body: () throws -> Void) -> String {
            do { try body() } catch { return "\(error)" }
            return ""
        }
        for file in ["arrays.npz", "arrays.h5"] {
            for (name, expected) in [("none", "there are: "), ("names", "expected numbers")] {
                let reason = reason { _ = try array(file, name) }
                #expect(
                    reason.contains(file == "arrays.h5" && name == "names" ? "no numbers" : expected),
                    "\(reason)")
            }
        }
        for (body, expected) in [
            ({ _ = try array("arrays.npz", "signed").samples() }, "elements of int16: `range` is needed"),
            (
                { _ = try array("arrays.npz", "bytes").samples(0...100) },
                "101.0 in image 4, expected numbers from 0.0"
            ),
            ({ _ = try array("arrays.npz", "missing").labels() }, "label -1.0 of image 1"),
            (
                { _ = try array("arrays.npz", "unit").labels() },
                "is of 6×3×4×2, expected a label for each image"
            ),
            ({ _ = try array("arrays.npz", "fortran") }, "in Fortran's order"),
            ({ _ = try array("photo.png", "x") }, "expected HDF5, .npz or .npy"),
            (
                {
                    _ = try ArrayDataset(
                        images: array("arrays.npz", "labels"), labels: array("arrays.npz", "labels"))
                }, "is of 6, expected images: N×H×W"
            ),
            (
                {
                    _ = try ArrayDataset(
                        images: array("arrays.npz", "bytes"),
                        labels: NumericArray(idx: directory.file("labels", idx([5], [0, 1, 2, 0, 1]))))
                }, "5 labels, expected 6"
            ),
        ] as [(() throws -> Void, String)] {
            let reason = reason(body)
            #expect(reason.contains(expected), "\(reason)")
        }
        let cut = try directory.file("cut.h5", Array(fixture("arrays.h5").dropLast(3000)))
        #expect(throws: DatasetError.self) { try NumericArray(contentsOf: cut, array: "bytes") }
    }

    @Test(
        "of NumPy never crash the reader, whatever is wrong with them",
        arguments: ["arrays.npz", "compressed.npz", "bytes.npy"])
    func fuzzing(_ name: String) throws {
        let refused = try fuzz(fixture(name)) {
            let path = try directory.file("fuzzed", $0)
            for array in ["bytes", "labels"] {
                _ = try NumericArray(contentsOf: path, array: array).samples(0...255)
            }
        }
        #expect(refused > 0)
    }

    @Test("of IDX are of any element type")
    func idxElements() throws {
        func array(_ type: UInt8, _ bytes: [UInt8]) throws -> NumericArray {
            try NumericArray(idx: directory.file("typed", idx([2], bytes, type: type)))
        }
        #expect(try array(0x09, [0xFF, 5]).samples(-1...254) == [0, 6])
        #expect(try array(0x0B, [0x01, 0x00, 0, 7]).labels() == [256, 7])
        #expect(try array(0x0C, [0, 1, 0, 0, 0, 0, 0, 7]).labels() == [65536, 7])
        #expect(try array(0x0D, [0x3F, 0x80, 0, 0, 0, 0, 0, 0]).samples() == [255, 0])
        #expect(
            try array(0x0E, [0x3F, 0xF0, 0, 0, 0, 0, 0, 0] + [UInt8](repeating: 0, count: 8)).samples() == [
                255, 0,
            ])
    }
}
