import Experiments
import Foundation
import Testing

@Suite("errata sweep", .serialized)
struct SweepCommandTests {
    private let work: Workplace

    init() throws {
        let short = Workplace.tiny.replacing("epochs: 3", with: "epochs: 2")
        work = try Workplace(short + "matrix: {axes: {seed: [1, 2]}}\n")
    }

    private var runs: String { "\(work.path)/runs" }

    private func sweep(_ options: String..., into folder: String? = nil) throws -> Command.Result {
        try Command.finish(Command.start(["sweep", work.spec, "--output", folder ?? runs] + options))
    }

    /// The final checkpoints of all runs, by their directories.
    private func checkpoints(_ folder: String) throws -> [String: Archive] {
        let library = RunLibrary(folder)
        return try Dictionary(
            uniqueKeysWithValues: library.runs.map {
                ("\($0)", try library.directory(of: $0).checkpoints(of: $0.kind).read())
            })
    }

    @Test("A dry run lists the runs, the time and what is wrong, and makes nothing")
    func dryRun() throws {
        let result = try sweep("--dry-run", "--jobs", "2", "--threads", "4")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains(/search-[0-9a-f]{12} +tiny-seed=1 +new +\d+ s/), "\(result.output)")
        #expect(result.output.contains("2 trials are 4 runs, 0 of them finished; the others take about"))
        #expect(result.output.contains("2 at a time of 2 threads"))
        #expect(work.files("runs").isEmpty)
        for setting in ["search.batch_size=50", "generator.noise=0"] {
            let wrong = try sweep("--set", setting)
            #expect(wrong.status == 1 && wrong.errors.contains("error: "), "\(wrong.errors)")
            #expect(work.files("runs").isEmpty)
        }
        #expect(try sweep("--launcher", "slrum").errors.contains("no launcher is called 'slrum'"))
    }

    @Test("A sweep that is killed, its runs with it, ends as one that is not; a third begins nothing")
    func killed() throws {
        let whole = try sweep("--threads", "1", into: "\(work.path)/whole")
        #expect(whole.status == 0, "\(whole.errors)")
        #expect(whole.output.contains("4 of 4 runs finished"), "\(whole.output)")
        #expect(whole.errors.contains(/search-[0-9a-f]{12}  tiny-seed=2  running/), "\(whole.errors)")
        var kills = 0
        var finished = false
        for attempt in 0..<60 where !finished {
            let running = try Command.start([
                "sweep", work.spec, "--output", runs, "--jobs", "2", "--threads", "2",
            ])
            usleep(UInt32(500_000 + 500_000 * attempt))
            if running.process.isRunning {
                kill(running.process.processIdentifier, SIGKILL)
                for child in try Self.processes(below: runs) { kill(child, SIGKILL) }
                kills += 1
            }
            let result = try Command.finish(running)
            finished = result.status == 0 && running.process.terminationReason == .exit
        }
        #expect(finished && kills > 0)
        let (one, other) = (try checkpoints("\(work.path)/whole"), try checkpoints(runs))
        #expect(one.count == 4 && one.keys == other.keys)
        for (run, archive) in one { #expect(archive.tensors == other[run]?.tensors, "\(run)") }
        let before = try FileManager.default.attributesOfItem(atPath: runs)[.modificationDate] as? Date
        let third = try sweep()
        #expect(third.status == 0 && third.output.contains("4 of 4 runs finished"))
        #expect(try FileManager.default.attributesOfItem(atPath: runs)[.modificationDate] as? Date == before)
    }

    /// The processes whose command line names a folder.
    private static func processes(below folder: String) throws -> [pid_t] {
        try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { pid_t($0) }.filter {
            guard let line = FileManager.default.contents(atPath: "/proc/\($0)/cmdline") else { return false }
            return String(decoding: line, as: UTF8.self).contains("\(folder)/")
        }
    }

    @Test("A signal goes on to the runs, which write checkpoints, and the same command goes on")
    func interrupted() throws {
        let running = try Command.start(["sweep", work.spec, "--output", runs, "--set", "search.epochs=40"])
        while !work.files("runs").contains(where: { $0.hasSuffix("checkpoint.h5") }) { usleep(10_000) }
        kill(running.process.processIdentifier, SIGINT)
        let result = try Command.finish(running)
        #expect(result.status == 130, "\(result.errors)")
        #expect(result.errors.contains("SIGINT: stopped; the same command goes on"))
        #expect(try Self.processes(below: runs).isEmpty)
        let log = try #require(work.files("runs").first { $0.hasSuffix("output.log") })
        #expect(try work.text("runs/\(log)").contains("SIGTERM: stopped after step"))
    }

    @Test("Two sweeps of one matrix at a time run each run once")
    func together() throws {
        let both = try (0..<2).map { _ in
            try Command.start(["sweep", work.spec, "--output", runs, "--jobs", "2", "--threads", "2"])
        }
        for result in try both.map(Command.finish) {
            #expect(result.status == 0, "\(result.errors)")
            #expect(result.output.contains("4 of 4 runs finished"), "\(result.output)")
        }
        for log in work.files("runs") where log.hasSuffix("output.log") {
            let text = try work.text("runs/\(log)")
            #expect(text.components(separatedBy: "epoch 1 of 2: ").count == 2, "\(text)")
        }
    }

    @Test("A run that fails is named with its reason, and the others go on")
    func failure() throws {
        // Somebody's own file where a run would write one.
        let listed = try sweep("--dry-run").output
        let name = try #require(listed.firstMatch(of: /search-[0-9a-f]{12}/)).0
        try FileManager.default.createDirectory(
            atPath: "\(runs)/\(name)", withIntermediateDirectories: true)
        try "mine".write(toFile: "\(runs)/\(name)/genotype.yaml", atomically: true, encoding: .utf8)
        let result = try sweep()
        #expect(result.status == 1)
        #expect(result.errors.contains("failed: tiny-seed=1: "), "\(result.errors)")
        #expect(result.errors.contains("is not a file of a run's"), "\(result.errors)")
        #expect(result.output.contains("2 of 4 runs finished, 2 failed"), "\(result.output)")
    }

    @Test("On a terminal the table is redrawn, within its width")
    func terminal() throws {
        let result = try Command.shell(
            "command='stty cols 70 rows 12 && exec \"'$0'\" sweep \"\(work.spec)\" --output \"\(runs)\" --searches-only'; "
                + "TERM=xterm exec script -qec \"$command\" /dev/null < /dev/null")
        #expect(result.status == 0, "\(result.output)")
        let lines = result.output.split(separator: "\u{1B}[K").map { $0.prefix { !$0.isNewline } }
        #expect(lines.contains { $0.contains("running") && $0.contains("epoch") }, "\(result.output)")
        #expect(lines.allSatisfy { $0.count <= 69 })
        #expect(result.output.contains("\u{1B}[3A"))
    }
}
