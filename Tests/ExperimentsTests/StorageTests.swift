import CPUEngine
import Experiments
import Foundation
import TensorEngine
import Testing

@Suite("Checkpoints")
struct CheckpointTests {
    let archive: Archive
    let image: [UInt8]

    init() throws {
        let backend = try CPUBackend(threads: 1)
        var archive = Archive()
        try archive.store(
            backend.normal([3, 4, 5], .float32, from: RandomStream(seed: 1)),
            at: "levels/w1/parameters/stem.weight")
        try archive.store(
            backend.normal([7], .float64, from: RandomStream(seed: 2)), at: "levels/w1/velocity")
        try archive.store(try backend.tensor([1, -2, 3] as [Int32], [3]), at: "labels")
        try archive.store(backend.full(2.5, .scalar, .float64), at: "scalar")
        try archive.store(try backend.zeros([0, 4], .float32), at: "empty")
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
        for length in Array(0..<64) + Array(stride(from: 64, to: image.count, by: 131)) + [image.count - 1] {
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
        #expect(error?.reason.contains("\(store.previousPath), is sound") == true)

        try AtomicFile.write("ERRATA", to: store.previousPath)
        let both = #expect(throws: FileError.self) { try store.read() }
        #expect(both?.reason.contains("cannot be read either") == true)
    }

    @Test func aLatestCheckpointThatIsMissingIsNoFreshStart() throws {
        let directory = try TemporaryDirectory()
        let store = CheckpointStore("\(directory.path)/checkpoint.h5")
        #expect(!store.exists)
        for _ in 0..<2 { try store.write(archive) }
        unlink(store.path)
        #expect(store.exists)
        let error = #expect(throws: FileError.self) { try store.read() }
        #expect(error?.reason.contains("is sound") == true)
    }

    /// A file that says to be what it is not takes no memory: this one has 2⁴⁰ bytes, all of them holes.
    @Test(arguments: [[], Array("ERRATA".utf8) + [0, 1, 0xFF, 0xFF, 0xFF, 0xFF]] as [[UInt8]])
    func hugeFilesAreRefusedUnread(_ beginning: [UInt8]) throws {
        let directory = try TemporaryDirectory()
        let store = CheckpointStore("\(directory.path)/checkpoint.h5")
        try AtomicFile.write(beginning, to: store.path)
        try #require(truncate(store.path, 1 << 40) == 0)
        #expect(throws: FileError.self) { try store.read() }
    }

    /// A disk that is full, as a limit on the size of files: the write fails amid the file.
    @Test func aFailedWriteLeavesBothCheckpoints() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            let store = CheckpointStore("\(directory.path)/checkpoint.h5")
            var archive = Archive()
            for step in 1...2 {
                archive[attribute: "step"] = .integer(step)
                try store.write(archive)
            }
            // What a writer that was killed has left.
            try AtomicFile.write("half", to: "\(store.path).4711.part")
            signal(SIGXFSZ, SIG_IGN)
            var limit = rlimit(rlim_cur: 1000, rlim_max: .max)
            try #require(setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0)
            archive[attribute: "step"] = .integer(3)
            let error = #expect(throws: FileError.self) { try store.write(archive) }
            #expect(error?.reason.contains("File too large") == true)
            #expect(try store.read().integer("step") == 2)
            #expect(try CheckpointStore(store.previousPath).read().integer("step") == 1)
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(files.sorted() == ["checkpoint.h5", "checkpoint.h5.previous"])
        }
    }

    @Test("A process killed between the two renames leaves two names of one file: later ones go on")
    func rotationOfOneFile() throws {
        let folder = try TemporaryDirectory()
        let store = CheckpointStore("\(folder.path)/checkpoint.h5")
        var archive = Archive()
        for step in 0..<4 {
            archive[attribute: "step"] = .integer(step)
            try store.write(archive)
            if step == 0 { try FileManager.default.linkItem(atPath: store.path, toPath: store.previousPath) }
            let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
            #expect(files.sorted() == ["checkpoint.h5", "checkpoint.h5.previous"])
        }
        #expect(try CheckpointStore(store.previousPath).read().integer("step") == 2)
    }

    @Test func aCheckpointThatCannotBeRotatedIsNotReplaced() throws {
        let directory = try TemporaryDirectory()
        let store = CheckpointStore("\(directory.path)/checkpoint.h5")
        try store.write(archive)
        try FileManager.default.createDirectory(
            atPath: "\(store.previousPath)/full", withIntermediateDirectories: true)
        var second = archive
        second[attribute: "step"] = .integer(8)
        #expect(throws: FileError.self) { try store.write(second) }
        #expect(try store.read().integer("step") == -7)
    }

    /// FAT, and some of FUSE and SMB.
    @Test func aFileSystemWithoutHardLinksKeepsTheOneBeforeToo() async {
        await #expect(processExitsWith: .success) {
            let directory = try TemporaryDirectory()
            var archive = Archive()
            var said: [String?] = []
            let codes = [EPERM, EMLINK, ENOTSUP, EOPNOTSUPP, ENOSYS]
            for (step, code) in codes.enumerated() {
                let store = CheckpointStore("\(directory.path)/checkpoint.h5") { _, _ in
                    errno = code
                    return -1
                }
                archive[attribute: "step"] = .integer(step)
                said.append(try store.write(archive))
                #expect(try store.read().integer("step") == step)
                guard step > 0 else { continue }
                #expect(try CheckpointStore(store.previousPath).read().integer("step") == step - 1)
            }
            #expect(said[0] == nil && said[1]?.contains("no hard links") == true)
            #expect(said[2...].allSatisfy { $0 == nil })
            let files = try FileManager.default.contentsOfDirectory(atPath: directory.path)
            #expect(files.sorted() == ["checkpoint.h5", "checkpoint.h5.previous"])
        }
    }

    @Test func aLinkThatFailsOtherwiseIsAnError() throws {
        let directory = try TemporaryDirectory()
        let store = CheckpointStore("\(directory.path)/checkpoint.h5") { _, _ in
            errno = EIO
            return -1
        }
        #expect(try store.write(archive) == nil)
        let error = #expect(throws: FileError.self) { try store.write(archive) }
        #expect(error?.reason.contains("Input/output error") == true)
    }

    @Test func tensorsOfAnotherShapeAreRefused() throws {
        let backend = try CPUBackend(threads: 1)
        #expect(throws: ArchiveError.self) { try archive.tensor("labels", [4], .int32, on: backend) }
        #expect(throws: ArchiveError.self) { try archive.tensor("labels", [3], .float32, on: backend) }
        #expect(throws: ArchiveError.self) { try archive.tensor("nothing", [3], .int32, on: backend) }
        #expect(try archive.tensor("labels", [3], .int32, on: backend).values() == [1, -2, 3] as [Int32])
    }
}
