import ErrataCore
import Experiments
import Foundation
import Testing

@Suite("The index of runs")
struct RunIndexTests {
    private let run: TinyRun
    private var folder: String { "\(run.folder.path)/runs" }

    /// Two searches and an evaluation.
    init() throws {
        run = try TinyRun()
        try run.search("seed=1", in: "\(folder)/one")
        try run.evaluate(settings: ["seed=1"], in: "\(folder)/one")
        try run.search("seed=2", "method=lfm", "name=other", in: "\(folder)/two")
    }

    private func titles(_ settings: [(String, String)] = [], kind: RunKind? = nil) throws -> [String] {
        var query = RunIndex.Query()
        query.settings = settings
        query.kind = kind
        return try RunIndex(of: folder).runs(query).map(\.title)
    }

    private var database: String { "\(folder)/index.sqlite" }

    @Test("It has every run with what its files say")
    func contents() throws {
        let index = try RunIndex(of: folder)
        let runs = try index.runs()
        #expect(runs.map(\.title) == ["two/search", "one/search", "one/evaluation"])
        let result = try EvaluationResult(
            decoding: YAMLReader.read(file: "\(folder)/one/evaluation/result.yaml"))
        #expect(runs[2].testError == result.testError && runs[2].parameters == result.parameters)
        #expect(runs[0].name == "other" && runs[0].epochs == 2 && runs.allSatisfy(\.isFinished))
        #expect(runs[1].validationAccuracy != nil && runs[1].testError == nil && runs[1].seconds ?? 0 > 0)
        #expect(index.notices.isEmpty && FileManager.default.fileExists(atPath: database))
    }

    @Test("Runs are found by settings, components by their names, numbers as numbers")
    func queries() throws {
        #expect(try titles([("seed", "2.0")]) == ["two/search"])
        #expect(try titles([("method", "lfm")]) == ["two/search"])
        #expect(try titles([("method", "bilevel"), ("seed", "1")], kind: .search) == ["one/search"])
        #expect(try titles([("method.lambda", "1")]) == ["two/search"])
        #expect(try titles([("seed", "3")]).isEmpty)
        #expect(try titles(kind: .evaluation) == ["one/evaluation"])
        var query = RunIndex.Query()
        query.isFinished = false
        #expect(try RunIndex(of: folder).runs(query).isEmpty)
        query = RunIndex.Query()
        query.sweep = "none"
        #expect(try RunIndex(of: folder).runs(query).isEmpty)
        let index = try RunIndex(of: folder)
        let settings = try index.settings(of: index.runs()[0])
        #expect(settings["method.lambda"] == "1.0" && settings["data.set.classes"] == "4")
    }

    @Test("It is made anew where it is lost, damaged, or of another version")
    func rebuilt() throws {
        let before = try RunIndex(of: folder).runs()
        try FileManager.default.removeItem(atPath: database)
        #expect(try RunIndex(of: folder).runs() == before)
        try Data("no database at all, but more than a header's worth of bytes".utf8)
            .write(to: URL(filePath: database))
        #expect(try RunIndex(of: folder).runs() == before)
        let process = Process()
        process.executableURL = URL(filePath: "/bin/sh")
        process.arguments = [
            "-c",
            "printf '\\377\\377\\377\\377' | dd of='\(database)' bs=1 seek=4096 count=4 conv=notrunc 2>&-",
        ]
        try process.run()
        process.waitUntilExit()
        #expect(try RunIndex(of: folder).runs() == before)
    }

    @Test("It follows the files: runs that come, change, and go, and one that is damaged is told")
    func refreshed() throws {
        _ = try RunIndex(of: folder)
        try FileManager.default.removeItem(atPath: "\(folder)/two")
        #expect(try titles() == ["one/search", "one/evaluation"])
        try FileManager.default.removeItem(atPath: "\(folder)/one/search/result.yaml")
        #expect(try RunIndex(of: folder).runs().first?.isFinished == false)
        try "test_error: [".write(
            toFile: "\(folder)/one/evaluation/result.yaml", atomically: true, encoding: .utf8)
        let index = try RunIndex(of: folder)
        #expect(try index.runs().map(\.title) == ["one/search"])
        #expect(index.notices.count == 1 && index.notices[0].contains("one/evaluation/result.yaml:"))
    }

    @Test("A run is deleted with all of its directory, unless a process is at it")
    func removal() throws {
        let index = try RunIndex(of: folder)
        let one = try #require(try index.runs().last)
        var lock: RunLock? = try RunLock("\(folder)/one/lock")
        #expect(throws: RunInUseError.self) { try index.remove(one) }
        #expect(lock != nil)
        lock = nil
        try index.remove(one)
        #expect(try index.runs().map(\.title) == ["two/search"] && titles() == ["two/search"])
        #expect(!FileManager.default.fileExists(atPath: "\(folder)/one"))
    }

    @Test("A folder that is not there is a clear error")
    func missing() {
        #expect { try RunIndex(of: "\(folder)/none") } throws: {
            "\($0)".hasSuffix("/none: there is no such folder")
        }
    }
}
