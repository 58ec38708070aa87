import CHDF5
import Datasets
import Experiments
import Foundation
import TensorEngine
import Testing

@Suite("HDF5 files")
struct HDF5Tests {
    static let shapes: [Shape] = [[], [0], [0, 4], [1], [7], [2, 3, 4, 5], [1, 1, 1, 1, 1, 1]]

    @Test(arguments: DType.allCases, shapes)
    func everyTypeAndShapeReadsBack(_ dtype: DType, _ shape: Shape) throws {
        var random = SplitMix(seed: 1)
        var archive = Archive()
        // Any bits, among them signalling NaNs.
        let bytes = (0..<(shape.count * dtype.byteCount)).map { _ in UInt8.random(in: 0...255, using: &random)
        }
        archive["a/b"] = Archive.Entry(dtype: dtype, shape: shape, bytes: bytes)
        #expect(try VerifiedImage.open(VerifiedImage.make(archive)).tensors == archive.tensors)
    }

    @Test(
        arguments: [
            .integer(.min), .integer(.max), .number(-0.0), .number(.infinity), .text(""), .text("λ\n"),
            .text(String(repeating: "é", count: 32_000)),
        ] as [Archive.Attribute])
    func everyAttributeReadsBack(_ attribute: Archive.Attribute) throws {
        var archive = Archive()
        for path in ["root", "levels/w1/rate"] { archive[attribute: path] = attribute }
        #expect(try VerifiedImage.open(VerifiedImage.make(archive)).attributes == archive.attributes)
    }

    @Test(arguments: ["", "/a", "a/", "a//b", "./a", "a/./b", "a\0b"])
    func whatHDF5WouldRenameIsRefused(_ path: String) {
        var tensor = Archive()
        tensor[path] = Archive.Entry(dtype: .int32, shape: [], bytes: [1, 0, 0, 0])
        #expect(throws: ArchiveError.self) { try VerifiedImage.make(tensor) }
        var attribute = Archive()
        attribute[attribute: path] = .integer(1)
        #expect(throws: ArchiveError.self) { try VerifiedImage.make(attribute) }
    }

    @Test(arguments: ["a\0b", "a\0", String(repeating: "a", count: 64_001)])
    func textThatHDF5CannotHoldIsRefused(_ text: String) {
        var archive = Archive()
        archive[attribute: "spec"] = .text(text)
        #expect(throws: ArchiveError.self) { try VerifiedImage.make(archive) }
    }

    @Test func theSameArchiveHasTheSameBytes() async throws {
        var archive = Archive()
        for index in 0..<40 {
            archive["levels/w1/\(index)"] = .init(dtype: .int32, shape: [1], bytes: [1, 2, 3, 4])
        }
        let first = try VerifiedImage.make(archive)
        // HDF5 counts time in seconds.
        try await Task.sleep(for: .seconds(1.1))
        #expect(try VerifiedImage.make(archive) == first)
    }

    /// libhdf5 itself, with its usual driver, on the file as it lies on disk.
    @Test func otherReadersOpenTheFile() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/checkpoint.h5"
        var archive = Archive()
        let values: [Float] = [1, -2.5, .pi, 0, .greatestFiniteMagnitude, -0.0]
        archive["levels/w1/stem"] = values.withUnsafeBytes {
            .init(dtype: .float32, shape: [2, 3], bytes: Array($0))
        }
        archive[attribute: "levels/w1/steps"] = .integer(42)
        try CheckpointStore(path).write(archive)
        HDF5Library.lock.withLock { _ in
            let file = H5Fopen(path, errata_h5_read_only(), 0)
            defer { H5Fclose(file) }
            let data = H5Dopen2(file, "/levels/w1/stem", 0)
            defer { H5Dclose(data) }
            var found = [Float](repeating: .nan, count: 6)
            #expect(H5Dread(data, errata_h5_float32(), 0, 0, 0, &found) >= 0)
            #expect(found.map(\.bitPattern) == values.map(\.bitPattern))
            let attribute = H5Aopen_by_name(file, "/levels/w1", "steps", 0, 0)
            defer { H5Aclose(attribute) }
            var steps: Int64 = 0
            #expect(H5Aread(attribute, errata_h5_int64(), &steps) >= 0)
            #expect(steps == 42)
        }
    }

    // MARK: Files of others, sealed: the digest is right, the contents are not an archive's

    /// What libhdf5 writes to disk in a file with our user block.
    private func foreign(_ fill: (hid_t) -> Void) throws -> [UInt8] {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/foreign.h5"
        HDF5Library.lock.withLock { _ in
            let creation = H5Pcreate(errata_h5_file_create())
            H5Pset_userblock(creation, 512)
            let file = H5Fcreate(path, errata_h5_truncate(), creation, 0)
            fill(file)
            H5Fclose(file)
            H5Pclose(creation)
        }
        var image = try AtomicFile.read(path)
        VerifiedImage.seal(&image)
        return image
    }

    private func refusal(_ fill: (hid_t) -> Void) throws -> String {
        let image = try foreign(fill)
        let error = #expect(throws: ArchiveError.self) { try VerifiedImage.open(image) }
        return error?.description ?? ""
    }

    private func dataset(_ file: hid_t, _ type: hid_t, _ space: hid_t, chunk: [hsize_t] = []) {
        let creation = H5Pcreate(errata_h5_dataset_create())
        if !chunk.isEmpty { H5Pset_chunk(creation, Int32(chunk.count), chunk) }
        let data = H5Dcreate2(file, "x", type, space, 0, creation, 0)
        #expect(data >= 0)
        H5Dclose(data)
        H5Pclose(creation)
        H5Sclose(space)
    }

    @Test func plainFilesOfOthersAreRead() throws {
        let image = try foreign { dataset($0, errata_h5_int32(), H5Screate_simple(1, [3], nil)) }
        #expect(try VerifiedImage.open(image)["x"]?.bytes == [UInt8](repeating: 0, count: 12))
    }

    @Test func shapesLargerThanTheFileAreRefused() throws {
        // Chunks that were never written take no room in the file.
        for extents: [hsize_t] in [[1 << 40], [1 << 20, 1 << 20], [1 << 30, 1 << 30, 1 << 30]] {
            let error = try refusal { file in
                dataset(
                    file, errata_h5_float32(), H5Screate_simple(Int32(extents.count), extents, nil),
                    chunk: [hsize_t](repeating: 1024, count: extents.count).map { min($0, 64) })
            }
            #expect(error.contains("claims"), "\(extents): \(error)")
        }
    }

    @Test func extentsThatOverflowAroundAZeroAreRefused() throws {
        let error = try refusal {
            dataset($0, errata_h5_float32(), H5Screate_simple(4, [1 << 40, 1 << 40, 1 << 40, 0], nil))
        }
        #expect(error.contains("claims"), "\(error)")
    }

    @Test func otherTypesAndNoShapeAreRefused() throws {
        #expect(try refusal { dataset($0, errata_h5_int64(), H5Screate(H5S_SCALAR)) }.contains("type"))
        #expect(try refusal { dataset($0, errata_h5_int32(), H5Screate(H5S_NULL)) }.contains("no shape"))
    }

    @Test func attributesThatAreArraysAreRefused() throws {
        let error = try refusal { file in
            let space = H5Screate_simple(1, [1000], nil)
            let attribute = H5Acreate2(file, "step", errata_h5_int64(), space, 0, 0)
            H5Awrite(attribute, errata_h5_int64(), [Int64](repeating: -1, count: 1000))
            H5Aclose(attribute)
            H5Sclose(space)
        }
        #expect(error.contains("no single value"), "\(error)")
    }

    @Test func linksOutOfTheFileAreRefused() throws {
        let outside = try refusal { H5Lcreate_external("/etc/passwd", "/", $0, "x", 0, 0) }
        #expect(outside.contains("leads out"), "\(outside)")
        let soft = try refusal { H5Lcreate_soft("/y", $0, "x", 0, 0) }
        #expect(soft.contains("another name"), "\(soft)")
    }

    @Test func groupsThatContainThemselvesAreRefused() throws {
        let error = try refusal { H5Lcreate_hard($0, "/", $0, "x", 0, 0) }
        #expect(error.contains("nested"), "\(error)")
    }

    /// Thirty groups, each with two names in the one before: a billion paths in a file of some kilobytes.
    @Test(.timeLimit(.minutes(1)))
    func moreNamesThanTheFileHasRoomForAreRefused() throws {
        let error = try refusal { file in
            var path = ""
            for _ in 0..<30 {
                H5Gclose(H5Gcreate2(file, "\(path)/a", 0, 0, 0))
                H5Lcreate_hard(file, "\(path)/a", file, "\(path)/b", 0, 0)
                path += "/a"
            }
        }
        #expect(error.contains("claims"), "\(error)")
    }
}
