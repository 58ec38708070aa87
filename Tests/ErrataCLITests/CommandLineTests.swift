import Experiments
import Foundation
import Synchronization
import Testing

/// The built command, run as a user runs it.
struct Command {
    static let path = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("errata").path

    struct Result {
        let status: Int32
        let output, errors: String
    }

    static func start(_ arguments: [String]) throws -> (process: Process, output: Pipe, errors: Pipe) {
        try start(path, arguments)
    }

    static func start(_ program: String, _ arguments: [String]) throws -> (
        process: Process, output: Pipe, errors: Pipe
    ) {
        // Who runs the tests may ignore these, and a command then does so too.
        for number in [SIGINT, SIGHUP] { signal(number, SIG_DFL) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        let (output, errors) = (Pipe(), Pipe())
        process.standardOutput = output
        process.standardError = errors
        try process.run()
        return (process, output, errors)
    }

    static func finish(_ running: (process: Process, output: Pipe, errors: Pipe)) throws -> Result {
        // Both at once: a full pipe would hold the command up.
        let pipes = [running.output.fileHandleForReading, running.errors.fileHandleForReading]
        let texts = Mutex(["", ""])
        DispatchQueue.concurrentPerform(iterations: 2) { index in
            let data = (try? pipes[index].readToEnd()) ?? Data()
            texts.withLock { $0[index] = String(decoding: data, as: UTF8.self) }
        }
        running.process.waitUntilExit()
        let (output, errors) = texts.withLock { ($0[0], $0[1]) }
        return Result(status: running.process.terminationStatus, output: output, errors: errors)
    }

    static func run(_ arguments: String...) throws -> Result { try finish(start(arguments)) }

    /// Runs a line of the shell, in which "$0" is the command.
    static func shell(_ line: String) throws -> Result { try finish(start("/bin/sh", ["-c", line, path])) }
}

/// A folder with a spec whose search takes a second.
final class Workplace {
    let path: String
    var spec: String { "\(path)/tiny.yaml" }

    static let tiny = """
        name: tiny
        seed: 3
        data:
          set: {name: procedural, count: 64, test_count: 20, height: 8, width: 8, classes: 4}
        search_space: {name: darts, channels: 2, cells: 3, nodes: 2}
        generator: {name: dcgan, noise: 4, embedding: 4, channels: 4}
        search:
          epochs: 3
          steps_per_epoch: 3
          batch_size: 8
          augmentation: {crop_padding: 1}
          checkpoint_minutes: 0
        evaluation:
          epochs: 3
          steps_per_epoch: 4
          batch_size: 8
          checkpoint_minutes: 0
          augmentation: {crop_padding: 1, cutout: 2}
          network: {channels: 2, cells: 3, auxiliary: false}

        """

    init(_ spec: String = tiny) throws {
        path = NSTemporaryDirectory() + "errata-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try spec.write(toFile: self.spec, atomically: true, encoding: .utf8)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
    }

    /// A metrics file without what a clock decides.
    func metrics(_ name: String) throws -> [String] {
        try text(name).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).dropLast(2).joined(separator: ",")
        }
    }

    /// The paths of all files below a folder.
    func files(_ name: String) -> Set<String> {
        Set((FileManager.default.enumerator(atPath: "\(path)/\(name)")?.allObjects as? [String]) ?? [])
    }

    func checkpoint(_ name: String) throws -> Archive { try CheckpointStore("\(path)/\(name)").read() }
}

@Suite("Runs that are stopped and resumed end as runs that are not", .serialized)
struct InterruptionTests {
    @Test("killed at any moment")
    func killed() throws {
        let work = try Workplace()
        let whole = try Command.run("search", work.spec, "--output", "\(work.path)/whole", "--threads", "1")
        #expect(whole.status == 0, "\(whole.errors)")
        // Kills after more and more time, now and then by Ctrl-C, until a run gets through.
        var finished = false
        var kills = 0
        for attempt in 0..<60 where !finished {
            let running = try Command.start(
                ["search", work.spec, "--output", "\(work.path)/killed", "--resume", "--threads", "2"])
            usleep(UInt32(60_000 + 23_000 * attempt))
            let signal = attempt % 4 == 3 ? SIGINT : SIGKILL
            if running.process.isRunning { kill(running.process.processIdentifier, signal) }
            let result = try Command.finish(running)
            finished = result.status == 0 && running.process.terminationReason == .exit
            if !finished { kills += 1 }
        }
        #expect(finished && kills > 0)
        let (one, other) = (
            try work.checkpoint("whole/search/checkpoint.h5"),
            try work.checkpoint("killed/search/checkpoint.h5")
        )
        #expect(one.tensors == other.tensors)
        #expect(try work.text("whole/genotype.yaml") == work.text("killed/genotype.yaml"))
        #expect(try work.metrics("whole/search/metrics.csv") == work.metrics("killed/search/metrics.csv"))
        for epoch in 1...3 {
            let name = "search/samples/epoch-00\(epoch).png"
            #expect(
                FileManager.default.contents(atPath: "\(work.path)/whole/\(name)")
                    == FileManager.default.contents(atPath: "\(work.path)/killed/\(name)"))
        }
        #expect(try work.text("whole/search/result.yaml") == work.text("killed/search/result.yaml"))
        #expect(work.files("killed") == work.files("whole"))
    }

    @Test(
        "interrupted by Ctrl-C, or what schedulers and closed terminals send",
        arguments: [SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2])
    func interrupted(_ signal: Int32) throws {
        let work = try Workplace()
        let output = "\(work.path)/run"
        let running = try Command.start(
            ["search", work.spec, "--output", output, "--set", "search.epochs=100"])
        let metrics = "\(output)/search/metrics.csv"
        for _ in 0..<400 {
            if let text = try? String(contentsOfFile: metrics, encoding: .utf8),
                text.split(separator: "\n").count > 2
            {
                break
            }
            usleep(10_000)
        }
        kill(running.process.processIdentifier, signal)
        let result = try Command.finish(running)
        #expect(result.status == 128 + signal)
        #expect(result.errors.contains("--resume"), "\(result.errors)")
        let step = try work.checkpoint("run/search/checkpoint.h5").integer("step")
        #expect(step > 0 && step < 300)
        // What has not ended is not evaluated.
        let early = try Command.run("evaluate", output)
        #expect(early.status == 1 && early.errors.contains("has not ended"), "\(early.errors)")
        #expect(try work.metrics("run/search/metrics.csv").count == step + 1)
        let other = try Command.run("search", work.spec, "--output", output, "--resume")
        #expect(other.status == 1 && other.errors.contains("search.epochs"), "\(other.errors)")
    }

    @Test("an evaluation, killed")
    func evaluation() throws {
        let work = try Workplace()
        try
            "Genotype(normal=[('sep_conv_3x3', 0), ('max_pool_3x3', 1)], reduce=[('skip_connect', 0), ('dil_conv_3x3', 1)])"
            .write(toFile: "\(work.path)/cells.txt", atomically: true, encoding: .utf8)
        func arguments(_ name: String) -> [String] {
            ["evaluate", "\(work.path)/cells.txt", "--spec", work.spec, "--output", "\(work.path)/\(name)"]
        }
        let whole = try Command.finish(Command.start(arguments("whole") + ["--threads", "1"]))
        #expect(whole.status == 0 && whole.output.contains("test error"), "\(whole.errors)")
        var finished = false
        for attempt in 0..<40 where !finished {
            let running = try Command.start(arguments("killed") + ["--resume"])
            usleep(UInt32(50_000 + 20_000 * attempt))
            if running.process.isRunning { kill(running.process.processIdentifier, SIGKILL) }
            finished = try Command.finish(running).status == 0 && running.process.terminationReason == .exit
        }
        #expect(finished)
        #expect(
            try work.checkpoint("whole/evaluation/checkpoint.h5").tensors
                == work.checkpoint("killed/evaluation/checkpoint.h5").tensors)
        #expect(try work.text("whole/evaluation/result.yaml") == work.text("killed/evaluation/result.yaml"))
        #expect(work.files("killed") == work.files("whole"))
    }
}

@Suite("What is wrong is said in a clear line, with a status that is not 0")
struct ErrorTests {
    private func failure(_ spec: String, _ more: String...) throws -> Command.Result {
        let work = try Workplace(spec)
        return try Command.finish(
            Command.start(["search", work.spec, "--output", "\(work.path)/run"] + more))
    }

    @Test func aMisspeltKey() throws {
        let result = try failure("name: x\nmethod:\n  lamda: 2\n")
        #expect(result.status == 1)
        #expect(result.errors.contains("tiny.yaml:3:3") && result.errors.contains("did you mean 'lambda'"))
        #expect(result.errors.split(separator: "\n").count == 1, "\(result.errors)")
    }

    @Test func aWrongType() throws {
        let result = try failure("method: {lambda: lots}\n")
        #expect(result.status == 1)
        #expect(result.errors.contains("tiny.yaml:1:18") && result.errors.contains("a number ≥ 0"))
    }

    @Test func aPluginThatIsNotThere() throws {
        let result = try failure("generator: dcgn\n")
        #expect(result.status == 1 && result.errors.contains("did you mean 'dcgan'"), "\(result.errors)")
    }

    @Test func aDataSetThatIsMissing() throws {
        let result = try failure("data: {set: {name: fashion-mnist, directory: /nowhere}}\n")
        #expect(result.status == 1)
        #expect(result.errors.contains("/nowhere") && result.errors.contains("dataset-fashion-mnist"))
    }

    @Test func classesThatHaveOneName() throws {
        let set = "{name: idx, images: a, labels: a, test_images: a, test_labels: a, class_names: [b, c, b]}"
        let result = try failure("data:\n  set: \(set)\n")
        #expect(result.status == 1)
        #expect(
            result.errors.contains("tiny.yaml:2:8: data.set") && result.errors.contains("classes 0 and 2"),
            "\(result.errors)")
    }

    @Test func partsThatDoNotFit() throws {
        let result = try failure(Workplace.tiny, "--set", "data.set.height=13", "--set", "data.set.width=13")
        #expect(result.status == 1 && result.errors.contains("13×13"), "\(result.errors)")
    }

    @Test func aRunThatIsThereAlready() throws {
        let work = try Workplace()
        let output = "\(work.path)/run"
        #expect(
            try Command.run("search", work.spec, "--output", output, "--set", "search.epochs=1").status == 0)
        let again = try Command.run("search", work.spec, "--output", output, "--set", "search.epochs=1")
        #expect(again.status == 1 && again.errors.contains("--resume"))
        // A damaged checkpoint ends a resumption.
        let path = "\(output)/search/checkpoint.h5"
        var bytes = try #require(FileManager.default.contents(atPath: path))
        bytes[bytes.count - 100] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        let damaged = try Command.run(
            "search", work.spec, "--output", output, "--set", "search.epochs=1", "--resume")
        #expect(damaged.status == 1 && damaged.errors.contains(path) && damaged.errors.contains("damaged"))
    }

    /// A checkpoint goes with the spec and the kind of run that it is of.
    @Test func aCheckpointFromElsewhere() throws {
        let work = try Workplace()
        func run(_ name: String, _ arguments: String...) throws -> Command.Result {
            try Command.finish(
                Command.start(
                    ["search", work.spec, "--output", "\(work.path)/\(name)", "--set", "search.epochs=1"]
                        + arguments))
        }
        #expect(try run("one").status == 0 && run("other", "--set", "seed=4").status == 0)
        let checkpoint = "search/checkpoint.h5"
        func put(_ source: String) throws {
            let bytes = try #require(FileManager.default.contents(atPath: "\(work.path)/\(source)"))
            try bytes.write(to: URL(fileURLWithPath: "\(work.path)/one/\(checkpoint)"))
        }
        try put("other/\(checkpoint)")
        let strange = try run("one", "--resume")
        #expect(strange.status == 1 && strange.errors.contains("seed was 4, is now 3"), "\(strange.errors)")
        let evaluation = try Command.run(
            "evaluate", "\(work.path)/other", "--set", "evaluation.epochs=1", "--set", "search.epochs=1",
            "--set",
            "seed=4")
        #expect(evaluation.status == 0, "\(evaluation.errors)")
        for part in ["Genotype(", "by class", "weight", "normal.dot", "test error"] {
            #expect(evaluation.output.contains(part), "\(evaluation.output)")
        }
        try put("other/evaluation/checkpoint.h5")
        let kind = try run("one", "--resume")
        #expect(kind.status == 1 && kind.errors.contains("'evaluation', expected 'search'"), "\(kind.errors)")
    }

    /// Whatever a size is set to, it is refused or computed with: no sum or product overflows.
    @Test func sizesHaveBounds() throws {
        let work = try Workplace()
        for setting in [
            "search.epochs", "evaluation.epochs", "search_space.channels", "search_space.cells",
            "search_space.stem_multiplier", "generator.noise", "generator.embedding", "generator.channels",
            "generator.discriminator_channels", "evaluation.network.channels", "evaluation.network.cells",
            "search.checkpoint_minutes", "evaluation.checkpoint_minutes", "data.set.count",
            "search.batch_size", "search.steps_per_epoch", "evaluation.batch_size",
            "evaluation.steps_per_epoch", "method.steps.w1", "generator.training.critic_steps",
        ] {
            let result = try Command.run("validate", work.spec, "--set", "\(setting)=\(Int.max)")
            #expect(result.status == 1 && result.errors.contains("\(setting): expected"), "\(result.errors)")
        }
    }

    @Test("A start that fails leaves nothing, and the corrected command needs no --resume")
    func aFailedStart() throws {
        let work = try Workplace()
        let output = "\(work.path)/run"
        let failed = try Command.run(
            "search", work.spec, "--output", output, "--set", "search.batch_size=64")
        #expect(failed.status == 1 && failed.errors.contains("search.batch_size"), "\(failed.errors)")
        #expect(!FileManager.default.fileExists(atPath: output))
        let corrected = try Command.run(
            "search", work.spec, "--output", output, "--set", "search.epochs=1")
        #expect(corrected.status == 0, "\(corrected.errors)")
    }

    @Test("A spec of one's own in the directory is named, and stays")
    func aForeignSpec() throws {
        let work = try Workplace()
        try Workplace.tiny.write(toFile: "\(work.path)/spec.yaml", atomically: true, encoding: .utf8)
        let result = try Command.run("search", work.spec, "--output", work.path)
        #expect(
            result.status == 1 && result.errors.contains("\(work.path)/spec.yaml: is not a file of a run's"))
        #expect(try work.text("spec.yaml") == Workplace.tiny)
        #expect(work.files("") == ["tiny.yaml", "spec.yaml"])
    }

    @Test func aRunInUse() throws {
        let work = try Workplace()
        let output = "\(work.path)/run"
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        let lock = try RunLock("\(output)/lock")
        let result = try Command.run("search", work.spec, "--output", output)
        withExtendedLifetime(lock) {}
        #expect(result.status == 75 && result.errors.contains("process \(getpid())"), "\(result.errors)")
    }

    @Test func aWrongCommandLine() throws {
        #expect(try Command.run("serch").status == 64)
        #expect(try Command.run("search").status == 64)
        let device = try Command.run("search", "x.yaml", "--output", "x", "--device", "abacus")
        #expect(device.status == 64 && device.errors.contains("cpu"), "\(device.errors)")
        let nowhere = try Command.run("evaluate", "DARTS_V2")
        #expect(
            nowhere.status == 1 && nowhere.errors.contains("needs --spec and --output"), "\(nowhere.errors)")
        let homeless = try Command.run("evaluate", "DARTS_V2", "--spec", "x.yaml")
        #expect(homeless.status == 64 && homeless.errors.contains("needs --output"), "\(homeless.errors)")
        let bare = try Command.run("evaluate", #filePath)
        #expect(bare.status == 64 && bare.errors.contains("a genotype file needs --spec"), "\(bare.errors)")
    }

    @Test("Output that cannot be written is one clear line")
    func aFullDisk() throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Command.path)
        process.arguments = ["plugins"]
        let errors = Pipe()
        process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
        process.standardError = errors
        try process.run()
        let text = String(
            decoding: try errors.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationReason == .exit && process.terminationStatus == 1, "\(text)")
        #expect(text.contains("No space left on device"), "\(text)")
    }

    @Test func aDirectoryThatCannotBeMade() throws {
        let work = try Workplace()
        for (output, reason) in [(work.spec, "is no directory"), ("/proc/none", "cannot be made")] {
            let result = try Command.run("search", work.spec, "--output", output)
            #expect(result.status == 1 && result.errors.contains("\(output): \(reason)"), "\(result.errors)")
        }
    }
}

@Suite("A directory of an evaluation is one that can be evaluated")
struct EvaluateTests {
    @Test func elsewhere() throws {
        let work = try Workplace()
        let (run, other) = ("\(work.path)/run", "\(work.path)/other")
        #expect(try Command.run("search", work.spec, "--output", run, "--set", "search.epochs=1").status == 0)
        let first = try Command.run("evaluate", run, "--output", other, "--device", "cpu")
        #expect(first.status == 0, "\(first.errors)")
        let again = try Command.run("evaluate", other)
        #expect(again.status == 1 && again.errors.contains("pass --resume"), "\(again.errors)")
        let resumed = try Command.run("evaluate", other, "--resume")
        #expect(resumed.status == 0 && first.output.hasSuffix(resumed.output), "\(resumed.errors)")
        let third = try Command.run("evaluate", other, "--output", "\(work.path)/third")
        #expect(third.status == 0, "\(third.errors)")
        #expect(try work.text("third/evaluation/result.yaml") == work.text("other/evaluation/result.yaml"))
        // What was found was edited: one of two files is wrong.
        try work.text("run/genotype.yaml").replacing("max_pool_3x3", with: "avg_pool_3x3")
            .replacing("skip_connect", with: "max_pool_3x3").replacing("sep_conv_3x3", with: "skip_connect")
            .write(toFile: "\(run)/genotype.yaml", atomically: true, encoding: .utf8)
        let edited = try Command.run("evaluate", run)
        #expect(edited.status == 1 && edited.errors.contains("was edited"), "\(edited.errors)")
    }

    @Test("A genotype is taken from a log")
    func aLog() throws {
        let work = try Workplace()
        let cell = "[('sep_conv_3x3', 0), ('skip_connect', 1)]"
        try
            "2018-06-27 13:25:46,379 genotype = Genotype(normal=\(cell), normal_concat=[2], reduce=\(cell), reduce_concat=[2])\n"
            .write(toFile: "\(work.path)/log.txt", atomically: true, encoding: .utf8)
        let result = try Command.run(
            "evaluate", "\(work.path)/log.txt", "--spec", work.spec, "--output", "\(work.path)/run")
        #expect(result.status == 0 && result.output.contains("test error"), "\(result.errors)")
    }

    @Test("A published genotype is evaluated by its name")
    func aName() throws {
        let work = try Workplace()
        let result = try Command.run(
            "evaluate", "DARTS_V1", "--spec", work.spec, "--output", "\(work.path)/run")
        #expect(result.status == 0 && result.output.contains("test error"), "\(result.errors)")
        let wrong = try Command.run(
            "evaluate", "DARTS_1", "--spec", work.spec, "--output", "\(work.path)/other")
        #expect(wrong.status == 1 && wrong.errors.contains("did you mean 'DARTS_V1'"), "\(wrong.errors)")
    }
}

@Suite("Commands that look")
struct InspectionTests {
    @Test("The resolved spec resolves to itself")
    func validate() throws {
        let work = try Workplace()
        let first = try Command.run("validate", work.spec, "--set", "method.lambda=0.5")
        #expect(first.status == 0 && first.output.contains("lambda: 0.5"))
        try first.output.write(toFile: work.spec, atomically: true, encoding: .utf8)
        #expect(try Command.run("validate", work.spec).output == first.output)
    }

    @Test("Paths in a spec are relative to it, those of --set to where it is given")
    func paths() throws {
        let data = """
            data: {set: {name: idx, images: data/a, labels: b, test_images: /c, test_labels: d, class_names: [e]}}
            """
        let work = try Workplace(data)
        let result = try Command.run("validate", work.spec, "--set", "data.set.test_labels=d")
        let here = FileManager.default.currentDirectoryPath
        for line in [
            "images: \(work.path)/data/a", "labels: \(work.path)/b", "test_images: /c",
            "test_labels: \(here)/d",
        ] {
            #expect(result.output.contains("  \(line)\n"), "\(result.output)\(result.errors)")
        }
    }

    @Test func plugins() throws {
        let result = try Command.run("plugins")
        #expect(result.status == 0)
        for name in [
            "darts", "dcgan", "validation-loss", "uniform", "first-order", "exact", "finite-difference",
            "neumann", "conjugate-gradient", "iterations", "fashion-mnist", "procedural", "lfm", "bilevel",
            "synthetic_only", "sgd", "adam", "cosine", "search.epochs", "evaluation.network.drop_path",
        ] {
            #expect(result.output.contains(name))
        }
        #expect(try Command.run("plugins", "nothing").status == 64)
        #expect(result.output.split(separator: "\n").allSatisfy { $0.count < 300 })
        let one = try Command.run("plugins", "adam")
        #expect(one.output.hasPrefix("optimizer adam:") && one.output.contains("beta1"), "\(one.output)")
    }

    @Test("The doctor tells of every data set that is registered")
    func doctor() throws {
        let result = try Command.run("doctor")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains(/procedural +2000 training images/), "\(result.output)")
        #expect(result.output.contains("fashion-mnist") && result.output.contains("kernels"))
    }

    @Test func help() throws {
        for arguments in [["--help"], ["search", "--help"], ["evaluate", "--help"]] {
            let result = try Command.finish(Command.start(arguments))
            #expect(result.status == 0 && result.output.contains("USAGE"))
        }
    }

    @Test("Every experiment that ships is sound")
    func experiments() throws {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .appendingPathComponent("../../experiments").standardized
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).filter {
            $0.hasSuffix(".yaml")
        }
        #expect(names.count >= 5)
        for name in names {
            let result = try Command.run("validate", folder.appendingPathComponent(name).path)
            #expect(result.status == 0, "\(name): \(result.errors)")
        }
    }
}
