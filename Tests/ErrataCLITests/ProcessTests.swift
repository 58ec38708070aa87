import ErrataCLI
import Foundation
import Testing

@Suite("What a process is started with")
struct ProcessTests {
    @Test("Descriptors that are closed are not taken for files of the run")
    func closedDescriptors() throws {
        let work = try Workplace()
        for (index, closed) in ["<&- >&- 2>&-", "<&- 2>&-", ">&-"].enumerated() {
            let output = "run\(index)"
            let set = "--set search.epochs=1"
            let result = try Command.shell(
                "exec \"$0\" search '\(work.spec)' --output '\(work.path)/\(output)' \(set) \(closed)")
            #expect(result.status == 0, "\(closed): \(result.errors)")
            #expect(try work.text("\(output)/search/epochs.csv").split(separator: "\n").count == 2)
            #expect(try work.text("\(output)/lock").split(separator: "\n").count == 1)
            #expect(try work.checkpoint("\(output)/search/checkpoint.h5").integer("step") == 3)
        }
    }

    @Test("Progress that nobody reads any more ends no run")
    func aBrokenPipe() throws {
        let work = try Workplace()
        let result = try Command.shell(
            "{ \"$0\" search '\(work.spec)' --output '\(work.path)/run' --set search.epochs=1 3>&1 1>&2 2>&3 3>&-; "
                + "echo $? > '\(work.path)/status'; } | true")
        #expect(result.output.isEmpty)
        #expect(try work.text("status") == "0\n")
    }

    @Test("A run without descriptors to spare ends well, drawn or not")
    func fewDescriptors() throws {
        let work = try Workplace()
        let result = try Command.shell(
            "ulimit -n 12; exec \"$0\" search '\(work.spec)' --output '\(work.path)/run' --set search.epochs=1"
        )
        #expect(result.status == 0, "\(result.errors)")
        #expect(work.files("run").contains("search/result.yaml"))
    }

    @Test("Without the memory that the arithmetic needs a run ends with a word")
    func littleMemory() throws {
        let work = try Workplace()
        // Room for OpenBLAS's buffers but not for tensors, or for neither.
        for limit in [1_500_000, 500_000] {
            let result = try Command.shell(
                "ulimit -v \(limit); exec \"$0\" search '\(work.spec)' --output '\(work.path)/run' --threads 2"
            )
            #expect(
                result.status == 1 && result.errors.contains("out of memory"), "\(limit): \(result.errors)")
        }
    }

    @Test("There are as many threads as processors that the process may run on")
    func affinity() throws {
        let result = try Command.shell("exec taskset -c 0 \"$0\" doctor")
        #expect(result.output.contains(/\nthreads +1\n/), "\(result.output)")
        #expect((1...ProcessInfo.processInfo.activeProcessorCount).contains(availableProcessors()))
    }

    @Test("On a terminal of 80 columns the rate and the time left are seen, on one line")
    func narrowTerminal() throws {
        let work = try Workplace()
        let result = try Command.shell(
            "command='stty cols 80 && exec \"'$0'\" search \"\(work.spec)\" --output \"\(work.path)/run\" --set search.epochs=1'; "
                + "TERM=xterm exec script -qec \"$command\" /dev/null < /dev/null")
        #expect(result.status == 0, "\(result.output)")
        let lines = result.output.split(separator: "\r\u{1B}[K").map { $0.prefix { !$0.isNewline } }
            .filter { $0.contains("step ") && $0.hasPrefix("[") }
        #expect(!lines.isEmpty, "\(result.output)")
        for line in lines {
            #expect(line.count <= 79 && line.contains(" left epoch "), "\(line)")
            #expect(line.contains("steps/s") || line.contains("s/step"), "\(line)")
        }
    }

    @Test("What a file says moves no cursor")
    func escapes() throws {
        let work = try Workplace(Workplace.tiny.replacing("name: tiny", with: #"name: "\e[2Jtiny\nline\a""#))
        let result = try Command.run(
            "search", work.spec, "--output", "\(work.path)/run", "--set", "search.epochs=1")
        #expect(result.status == 0)
        #expect(result.errors.contains(#"search '\u{1B}[2Jtiny"#), "\(result.errors)")
        for text in [result.errors, result.output] { #expect(!text.contains { "\u{1B}\u{7}".contains($0) }) }
    }

    /// Files below a folder, by their paths.
    private func quota(_ membership: String, _ files: [String: String]) throws -> Double? {
        let work = try Workplace()
        for (name, text) in files {
            let url = URL(fileURLWithPath: "\(work.path)/\(name)")
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try text.write(to: url, atomically: true, encoding: .utf8)
        }
        return processorQuota(membership: membership, root: work.path)
    }

    @Test("A control group's quota is that of the strictest of its ancestors")
    func quotas() throws {
        let (unified, both) = ("0::/a/b\n", "4:cpuset:/\n3:cpu,cpuacct:/a/b\n0::/\n")
        #expect(try quota(unified, [:]) == nil)
        #expect(try quota(unified, ["a/b/cpu.max": "150000 100000\n"]) == 1.5)
        #expect(try quota(unified, ["a/b/cpu.max": "max 100000\n"]) == nil)
        #expect(try quota(unified, ["a/b/cpu.max": "max 100000\n", "a/cpu.max": "50000 100000\n"]) == 0.5)
        #expect(try quota(unified, ["cpu.max": "400000 100000\n", "a/cpu.max": "300000 100000\n"]) == 3)
        func separate(_ folder: String, _ quota: String) -> [String: String] {
            ["\(folder)/cpu.cfs_quota_us": quota, "\(folder)/cpu.cfs_period_us": "100000\n"]
        }
        #expect(try quota(both, separate("cpu,cpuacct/a/b", "250000\n")) == 2.5)
        #expect(try quota(both, separate("cpu/a", "50000\n")) == 0.5)
        // In a container, whose own group is at the mount's root.
        #expect(try quota(both, separate("cpu", "200000\n")) == 2)
        #expect(try quota(both, separate("cpu/a/b", "-1\n")) == nil)
        #expect(try quota(both, separate("cpuset", "100000\n")) == nil)
        #expect(try quota("nonsense", ["cpu.max": "100000 100000"]) == nil)
    }
}
