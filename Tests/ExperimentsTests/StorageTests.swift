import Experiments
import Foundation
import TensorEngine
import Testing

/// A directory of its own for a test, removed afterwards.
final class TemporaryDirectory {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "/errata-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

@Suite("Checkpoints")
struct CheckpointTests {
    let archive: Archive
    let image: [UInt8]

    init() throws {
        let backend = try CPUBackend(threads: 1)
        var archive = Archive()
        archive.store(
            backend.normal([3, 4, 5], .float32, from: RandomStream(seed: 1)),
            at: "levels/w1/parameters/stem.weight")
        archive.store(backend.normal([7], .float64, from: RandomStream(seed: 2)), at: "levels/w1/velocity")
        archive.store(try backend.tensor([1, -2, 3] as [Int32], [3]), at: "labels")
        archive.store(backend.full(2.5, .scalar, .float64), at: "scalar")
        archive.store(backend.zeros([0, 4], .float32), at: "empty")
        archive[attribute: "step"] = .integer(-7)
        archive[attribute: "levels/w1/rate"] = .number(0.1)
        archive[attribute: "spec"] = .text("name: λ sweep\n")
        archive[attribute: "note"] = .text("")
        self.archive = archive
        image = try VerifiedImage.make(archive)
    }

    @Test func readsBackWhatWasWritten() throws {
        let found = try VerifiedImage.open(image)
        #expect(found.tensors == archive.tensors)
        #expect(found.attributes == archive.attributes)
    }

    @Test func isAnHDF5FileBehindItsUserBlock() {
        #expect(Array(image[512..<520]) == [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A])
    }

    @Test func everyKindOfDamageIsFound() throws {
        for position in Array(0..<64) + Array(stride(from: 64, to: image.count, by: 97)) {
            var damaged = image
            damaged[position] ^= 0x10
            #expect(throws: ArchiveError.self, "byte \(position)") { try VerifiedImage.open(damaged) }
        }
        for length in [0, 1, 7, 47, 511, 512, 700, image.count - 1] {
            #expect(throws: ArchiveError.self, "\(length) bytes") {
                try VerifiedImage.open(Array(image.prefix(length)))
            }
        }
        #expect(throws: ArchiveError.self) { try VerifiedImage.open(image + [0]) }
        var lying = image
        lying.replaceSubrange(8..<16, with: [0, 0, 0, 0, 1, 0, 0, 0])
        #expect(throws: ArchiveError.self) { try VerifiedImage.open(lying) }
    }

    @Test func aDamagedCheckpointNamesItselfAndTheOneBefore() throws {
        let directory = try TemporaryDirectory()
        let store = CheckpointStore("\(directory.path)/checkpoint.h5")
        try store.write(archive)
        var second = archive
        second[attribute: "step"] = .integer(8)
        try store.write(second)
        #expect(try store.read().integer("step") == 8)
        #expect(try CheckpointStore(store.previousPath).read().integer("step") == -7)
        var bytes = try AtomicFile.read(store.path)
        bytes[bytes.count / 2] ^= 1
        try AtomicFile.write(bytes, to: store.path)
        let error = #expect(throws: FileError.self) { try store.read() }
        #expect(error?.path == store.path)
        #expect(error?.reason.contains(store.previousPath) == true)
    }

    @Test func tensorsOfAnotherShapeAreRefused() throws {
        let backend = try CPUBackend(threads: 1)
        #expect(throws: ArchiveError.self) { try archive.tensor("labels", [4], .int32, on: backend) }
        #expect(throws: ArchiveError.self) { try archive.tensor("labels", [3], .float32, on: backend) }
        #expect(throws: ArchiveError.self) { try archive.tensor("nothing", [3], .int32, on: backend) }
        #expect(try archive.tensor("labels", [3], .int32, on: backend).values() == [1, -2, 3] as [Int32])
    }

    /// FIPS 180-4's examples, and lengths around a block's end computed by other software.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
        (
            String(repeating: "a", count: 1_000_000),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        ),
    ])
    func sha256(_ text: String, _ expected: String) {
        let digest = Array(text.utf8).withUnsafeBytes { SHA256.digest($0) }
        #expect(digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == expected)
    }
}

@Suite("Files of a run")
struct RunFileTests {
    @Test func aFileThatCannotBeWrittenLeavesTheOldOne() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/file"
        try AtomicFile.write("old", to: path)
        #expect(throws: FileError.self) {
            try AtomicFile.write("new", to: "\(directory.path)/\(String(repeating: "x", count: 300))")
        }
        #expect(throws: FileError.self) { try AtomicFile.write("new", to: "\(directory.path)/none/file") }
        #expect(try AtomicFile.read(path) == Array("old".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["file"])
    }

    @Test func aLockHasOneHolder() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/lock"
        var first: RunLock? = try RunLock(path)
        let error = #expect(throws: FileError.self) { _ = try RunLock(path) }
        #expect(error?.reason.contains("process \(getpid())") == true)
        withExtendedLifetime(first) {}
        first = nil
        _ = try RunLock(path)
    }

    @Test func resumedMetricsHaveEachStepOnce() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/metrics.csv"
        do {
            let table = try MetricsTable(path, columns: ["step", "loss"], keepingUpTo: nil)
            for step in 1...4 { try table.append(["step": Double(step), "loss": 0.1 * Double(step)]) }
        }
        // What a killed process leaves: half a line.
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data("5,0.".utf8))
        do {
            let table = try MetricsTable(path, columns: ["step", "loss"], keepingUpTo: 3)
            try table.append(["step": 4, "loss": .nan])
        }
        let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
        #expect(text == "step,loss\n1,0.1\n2,0.2\n3,0.30000000000000004\n4,\n")
        #expect(throws: FileError.self) {
            try MetricsTable(path, columns: ["step", "accuracy"], keepingUpTo: 3)
        }
    }

    @Test func gridsAreSoundPictures() throws {
        let backend = try CPUBackend(threads: 1)
        let images = try backend.tensor((0..<(6 * 4)).map { Double($0) / 12 - 1 }, [6, 2, 2, 1])
        let png = try SampleGrid.png(images, columns: 3, scale: 1)
        #expect(Array(png.prefix(8)) == [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A])
        let size = png[16..<24].map { Int($0) }
        #expect(size[3] == 3 * 4 + 2 && size[7] == 2 * 4 + 2)
        // The first pixel of the first image, −1, is black; the frame is white.
        #expect(png.count < 200)
    }
}
