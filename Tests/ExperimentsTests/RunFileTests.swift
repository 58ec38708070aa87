import Experiments
import Foundation
import Testing

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
        #expect(throws: CancellationError.self) {
            try AtomicFile.write(Array("new".utf8), to: path) { throw CancellationError() }
        }
        #expect(try AtomicFile.read(path) == Array("old".utf8))
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path) == ["file"])
    }

    @Test(arguments: [
        ("a", "."), ("a/b", "a"), ("/a", "/"), ("/a/b/", "/a"), ("a/b//c", "a/b/"), ("/", "/"), ("", "."),
    ]) func aPathLiesIn(_ path: String, _ parent: String) { #expect(directory(of: path) == parent) }

    @Test func whatKilledWritersLeaveIsSwept() throws {
        let directory = try TemporaryDirectory()
        for name in ["file", "file.7.part", "file.h5.7.part", "other.7.part"] {
            try AtomicFile.write("x", to: "\(directory.path)/\(name)")
        }
        AtomicFile.removeLeftovers(of: "\(directory.path)/other")
        AtomicFile.removeLeftovers(of: "\(directory.path)/x")
        func names() throws -> Set<String> {
            Set(try FileManager.default.contentsOfDirectory(atPath: directory.path))
        }
        #expect(try names() == ["file", "file.7.part", "file.h5.7.part"])
        AtomicFile.removeLeftovers(in: directory.path)
        #expect(try names() == ["file"])
    }

    @Test func pipesAndDirectoriesAreNoFiles() throws {
        let directory = try TemporaryDirectory()
        try #require(mkfifo("\(directory.path)/pipe", 0o600) == 0)
        #expect(throws: FileError.self) { try AtomicFile.read("\(directory.path)/pipe") }
        #expect(throws: FileError.self) { try AtomicFile.read(directory.path) }
    }

    @Test func aLockHasOneHolder() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/lock"
        var first: RunLock? = try RunLock(path)
        let error = #expect(throws: RunInUseError.self) { _ = try RunLock(path) }
        #expect(error?.holder.contains("process \(getpid())") == true)
        withExtendedLifetime(first) {}
        first = nil
        _ = try RunLock(path)
    }

    @Test(arguments: [ENOLCK, EOPNOTSUPP, ENOSYS, EINVAL])
    func aFileSystemWithoutLocksIsSaidAndCanBeUsed(_ code: Int32) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/lock"
        func fail(_: Int32, _: Int32) -> Int32 {
            errno = code
            return -1
        }
        let error = #expect(throws: FileError.self) { try RunLock(path, locking: true, flock: fail) }
        #expect(error?.reason.contains("ERRATA_NO_LOCK=1") == true)
        let lock = try RunLock(path, locking: false, flock: fail)
        #expect(try AtomicFile.read(path).starts(with: "process \(getpid()) ".utf8))
        withExtendedLifetime(lock) {}
    }

    @Test func theEnvironmentSaysWhetherToLock() async {
        await #expect(processExitsWith: .success) {
            for (value, isWanted) in [("1", false), ("yes", false), ("0", true), ("", true)] {
                setenv("ERRATA_NO_LOCK", value, 1)
                #expect(RunLock.isWanted == isWanted)
            }
            unsetenv("ERRATA_NO_LOCK")
            #expect(RunLock.isWanted)
            let directory = try TemporaryDirectory()
            let first = try RunLock("\(directory.path)/lock")
            setenv("ERRATA_NO_LOCK", "1", 1)
            let second = try RunLock("\(directory.path)/lock")
            withExtendedLifetime((first, second)) {}
        }
    }

    /// Some file systems cannot flush a directory; /proc is one.
    @Test func aDirectoryThatCannotBeFlushedIsNoError() throws {
        let descriptor = open("/proc/self", O_RDONLY | O_DIRECTORY)
        defer { close(descriptor) }
        try #require(fsync(descriptor) == -1 && errno == EINVAL)
        try AtomicFile.flushDirectory(of: "/proc/self/status")
        #expect(throws: FileError.self) { try AtomicFile.flushDirectory(of: "/nowhere/status") }
    }

    @Test func aKilledHolderHasNoLock() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/lock"
        await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
            let lock = try RunLock(path)
            withExtendedLifetime(lock) { _ = raise(SIGKILL) }
        }
        #expect(try AtomicFile.read(path).starts(with: "process ".utf8))
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

    @Test func aDamagedRowToKeepIsAnError() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/metrics.csv"
        for damaged in ["2,0.2,7", "2", "x,0.2", "", "0,0.2"] {
            try AtomicFile.write("step,loss\n1,0.1\n\(damaged)\n3,0.3\n", to: path)
            let error = #expect(throws: FileError.self, "'\(damaged)'") {
                try MetricsTable(path, columns: ["step", "loss"], keepingUpTo: 3)
            }
            #expect(error?.reason.contains("row 3") == true)
        }
    }

    @Test(arguments: [
        ("1,1\n2,2\n3,3\n4,4\n", nil), ("1,1\n2,2\n3,3\n", "has lost the rows of step 4"),
        ("1,1\n4,4\n", "has lost the rows of step 2 to 3"),
        ("2,2\n3,3\n4,4\n", "has lost the rows of step 1"),
        ("1,1\n3,3\n", "has lost the rows of step 2, 4"), ("", "has lost the rows of step 1 to 4"),
        // Half a row, and what follows a quote that nothing ends.
        ("1,1\n2,2\n3,3\n4,", "has lost the rows of step 4"),
        ("1,1\n2,\"2\n3,3\n4,4\n", "has lost the rows of step 2 to 4"),
    ])
    func lostRowsAreSaid(_ rows: String, _ gap: String?) throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/metrics.csv"
        try AtomicFile.write("step,loss\n\(rows)", to: path)
        let table = try MetricsTable(path, columns: ["step", "loss"], keepingUpTo: 4)
        #expect(table.gap == gap.map { "\(path) \($0)" })
    }

    @Test func aTableThatIsGoneIsSaid() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/metrics.csv"
        let table = try MetricsTable(path, columns: ["epoch", "loss"], keepingUpTo: 12)
        #expect(table.gap == "\(path) is gone, and with it the rows of epoch 1 to 12")
        for step in [nil, 0] {
            #expect(try MetricsTable(path, columns: ["epoch", "loss"], keepingUpTo: step).gap == nil)
        }
    }

    /// A table of classes has a row for each class in an epoch.
    @Test func textsAreQuotedAndStepsMayHaveSeveralRows() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/classes.csv"
        let columns = ["epoch", "name", "weight"]
        let names = ["plain", "a,b", "say \"a\"", "two\nlines", "\r", ""]
        do {
            let table = try MetricsTable(path, columns: columns, keepingUpTo: nil)
            for epoch in 1...3 {
                for name in names {
                    try table.append(["epoch": Double(epoch), "weight": 0.5], texts: ["name": name])
                }
            }
            try table.flush()
        }
        let rows = ["plain", "\"a,b\"", "\"say \"\"a\"\"\"", "\"two\nlines\"", "\"\r\"", ""]
        func text(_ epochs: ClosedRange<Int>) -> String {
            "epoch,name,weight\n"
                + epochs.map { epoch in rows.map { "\(epoch),\($0),0.5\n" }.joined() }.joined()
        }
        #expect(String(decoding: try AtomicFile.read(path), as: UTF8.self) == text(1...3))
        let table = try MetricsTable(path, columns: columns, keepingUpTo: 2)
        #expect(table.gap == nil)
        #expect(String(decoding: try AtomicFile.read(path), as: UTF8.self) == text(1...2))
    }

    @Test func numbersReadBackTheSameAndNamesAreQuoted() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/metrics.csv"
        let numbers = [1, -0.0, 0.1, 1e15, -1e300, .leastNonzeroMagnitude, 123_456_789.5]
        for keep in [nil, 0] {
            let table = try MetricsTable(path, columns: ["step", "a,\"b\""], keepingUpTo: keep)
            for number in numbers where keep == nil { try table.append(["step": 0, "a,\"b\"": number]) }
        }
        let lines = String(decoding: try AtomicFile.read(path), as: UTF8.self).split(separator: "\n")
        #expect(lines[0] == "step,\"a,\"\"b\"\"\"")
        #expect(lines.dropFirst().map { Double($0.dropFirst(2))?.bitPattern } == numbers.map(\.bitPattern))
    }

    @Test func aFirstSignalIsAQuestionASecondAnEnd() async {
        await #expect(processExitsWith: .signal(SIGINT)) {
            listen()
            #expect(Interruption.received == nil)
            raise(SIGTERM)
            #expect(Interruption.received == "SIGTERM")
            raise(SIGINT)
        }
    }

    /// A closed terminal sends SIGHUP twice; schedulers warn before they end.
    @Test func warningsMayComeTwice() async throws {
        let result = try #require(
            await #expect(processExitsWith: .signal(SIGTERM), observing: [\.standardErrorContent]) {
                listen()
                for signal in [SIGUSR1, SIGUSR1, SIGHUP, SIGHUP, SIGUSR2] { raise(signal) }
                #expect(Interruption.received == "SIGUSR1")
                raise(SIGTERM)
            })
        let said = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(said.contains("\nSIGUSR1: ends after this step; SIGTERM ends at once\n"))
        #expect(!said.contains("SIGHUP"))
    }

    @Test func aSignalIsSaidAtOnce() async throws {
        let result = try #require(
            await #expect(processExitsWith: .success, observing: [\.standardErrorContent]) {
                listen()
                raise(SIGINT)
            })
        let said = String(decoding: result.standardErrorContent, as: UTF8.self)
        #expect(said.contains("\nSIGINT: ends after this step; once more ends at once\n"))
    }

    @Test func whatIsIgnoredStaysSo() async {
        await #expect(processExitsWith: .success) {
            listen(ignoring: [SIGHUP, SIGINT])
            for ignored in [SIGHUP, SIGINT, SIGHUP] { raise(ignored) }
            #expect(Interruption.received == nil)
            raise(SIGUSR2)
            #expect(Interruption.received == "SIGUSR2")
            raise(SIGINT)
        }
    }

    @Test func theStatusIsTheShells() {
        for (name, status): (String, Int32) in [
            ("SIGHUP", 129), ("SIGINT", 130), ("SIGUSR1", 138), ("SIGUSR2", 140), ("SIGTERM", 143),
        ] {
            #expect(Interruption.exitStatus(after: name) == status)
        }
    }

    @Test func peakMemoryGrowsWithWhatIsUsed() async {
        await #expect(processExitsWith: .success) {
            let before = peakResidentMemory()
            let used = [UInt8](repeating: 1, count: 128 << 20)
            let growth = peakResidentMemory() - before
            #expect(growth > 100 << 20 && growth < 160 << 20, "\(before) bytes, then \(growth) more")
            withExtendedLifetime(used) {}
        }
    }
}

/// Listens for signals in a process of its own, whatever who runs the tests ignores.
private func listen(ignoring ignored: [Int32] = []) {
    for number in [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2] { signal(number, SIG_DFL) }
    for number in ignored { signal(number, SIG_IGN) }
    Interruption.install()
}
