import ErrataCore
import Experiments
import Foundation
import Synchronization
import Testing

@Suite("Sweeps")
struct SweepTests {
    private let run: TinyRun
    private var library: RunLibrary { RunLibrary("\(run.folder.path)/runs") }

    init() throws { run = try TinyRun() }

    private static let matrix = "matrix: {axes: {seed: [1, 2]}}\n"

    private func plan(
        _ matrix: String = Self.matrix, named name: String = "m", evaluating: Bool = true,
        setting assignments: [String] = []
    ) throws -> SweepPlan {
        let path = "\(run.folder.path)/\(name).yaml"
        try (TinyRun.spec + matrix).write(toFile: path, atomically: true, encoding: .utf8)
        let matrix = try ExperimentMatrix(file: path, setting: assignments)
        return SweepPlan(
            name, matrix, try matrix.experiments(run.registry, TinyRun.defaults), evaluating: evaluating)
    }

    private func sweep(_ plan: SweepPlan, _ launcher: InProcessLauncher, width: Int = 1) throws -> [RunState]
    {
        try Sweep(
            plan, in: library, by: launcher,
            command: .init(program: "/bin/errata", threads: 3, options: ["--x"]),
            width: width, interval: .milliseconds(1)
        ).run { states in
            launcher.observe(states)
        }
    }

    private func launcher() -> InProcessLauncher { InProcessLauncher(run) }

    @Test("A run's identity is what decides its bits")
    func identities() throws {
        func identity(_ kind: RunKind, _ settings: String...) throws -> RunIdentity {
            let spec = try run.experiment(settings).spec
            return kind == .search ? .search(spec) : .evaluation(spec)
        }
        let (search, evaluation) = (try identity(.search), try identity(.evaluation))
        #expect(RunIdentity("\(search)") == search && RunIdentity("\(evaluation)") == evaluation)
        #expect(RunIdentity("search-0123") == nil && RunIdentity("other-0123456789ab") == nil)
        for free in ["name=other", "search.checkpoint_minutes=1"] {
            #expect(try identity(.search, free) == search && identity(.evaluation, free) == evaluation)
        }
        for other in ["evaluation.epochs=3", "data.test_limit=5"] {
            #expect(try identity(.search, other) == search && identity(.evaluation, other) != evaluation)
        }
        for other in ["seed=4", "search.epochs=3", "optimizers.weights.rate=0.1"] {
            #expect(try identity(.search, other) != search && identity(.evaluation, other) != evaluation)
        }
    }

    @Test("A search that several evaluations share is one run")
    func sharing() throws {
        let plan = try plan("matrix: {axes: {seed: [1, 2], evaluation.epochs: [1, 2]}}\n")
        #expect(plan.trials.count == 4 && plan.runs.count == 6)
        #expect(
            plan.runs.map(\.identity.kind) == [
                .search, .evaluation, .evaluation, .search, .evaluation, .evaluation,
            ])
        #expect(plan.runs[0].trials == ["tiny-seed=1-epochs=1", "tiny-seed=1-epochs=2"])
        #expect(plan.runs[2].search == plan.runs[0].identity)
        #expect(try self.plan(evaluating: false).runs.map(\.identity.kind) == [.search, .search])
    }

    @Test("Each run is a command of Errata's, with its share of threads, in a directory of its own")
    func commands() throws {
        let launcher = launcher()
        let plan = try plan("matrix: {axes: {seed: [1]}}\n")
        #expect(try sweep(plan, launcher) == [.finished, .finished])
        let (search, evaluation) = (
            "\(library.path)/\(plan.runs[0].identity)", "\(library.path)/\(plan.runs[1].identity)"
        )
        let commands = launcher.commands
        #expect(commands.map(\.program) == ["/bin/errata", "/bin/errata"] && commands[0].threads == 3)
        #expect(
            commands[0].arguments == [
                "search", "\(search)/spec.yaml", "--output", search, "--resume", "--threads", "3", "--x",
            ])
        #expect(
            commands[1].arguments == [
                "evaluate", search, "--spec", "\(evaluation)/evaluation/spec.yaml", "--output", evaluation,
                "--resume", "--threads", "3", "--x",
            ])
        #expect(commands[1].output == "\(evaluation)/output.log")
        // The result is that of the commands by hand.
        let byHand = try run.search("seed=1")
        let found = try String(contentsOfFile: "\(search)/search/result.yaml", encoding: .utf8)
        #expect(found == YAMLWriter.text(byHand.encoded))
    }

    @Test("What is finished is never run again, by whichever matrix; what is new is")
    func again() throws {
        let launcher = launcher()
        _ = try sweep(plan(), launcher)
        #expect(launcher.commands.count == 4)
        #expect(try sweep(plan(), launcher).allSatisfy { $0 == .finished })
        #expect(launcher.commands.count == 4)
        let states = try sweep(plan("matrix: {axes: {seed: [2, 5]}}\n", named: "other"), launcher)
        #expect(states.count == 4 && states.allSatisfy { $0 == .finished } && launcher.commands.count == 6)
    }

    @Test("At most so many at a time, an evaluation never before its search")
    func width() throws {
        for width in [1, 2, 3] {
            try? FileManager.default.removeItem(atPath: library.path)
            let launcher = launcher()
            launcher.looks = 3
            _ = try sweep(plan("matrix: {axes: {seed: [1, 2, 3]}}\n"), launcher, width: width)
            #expect(launcher.widest == width)
        }
    }

    @Test("A run that fails says why and ends no other but its evaluation; the next sweep tries it again")
    func failure() throws {
        let launcher = launcher()
        let plan = try plan()
        launcher.failing = ["\(plan.runs[0].identity)"]
        let states = try sweep(plan, launcher)
        #expect(
            states == [
                .failed("the disk is full"), .blocked(by: plan.runs[0].identity), .finished, .finished,
            ])
        launcher.failing = []
        #expect(try sweep(plan, launcher).allSatisfy { $0 == .finished })
    }

    @Test("A run that a signal ends has failed by it, and one that cannot be started says so")
    func otherFailures() throws {
        let launcher = launcher()
        let plan = try plan("matrix: {axes: {seed: [1]}}\n", evaluating: false)
        launcher.status = 137
        #expect(try sweep(plan, launcher) == [.failed("signal 9 ended it")])
        launcher.status = 3
        #expect(try sweep(plan, launcher) == [.failed("it ended with status 3")])
        launcher.refusing = true
        #expect(try sweep(plan, launcher) == [.failed("it cannot be started: no")])
    }

    @Test("A run that another process has is waited for, and not run twice")
    func elsewhere() throws {
        let launcher = launcher()
        let plan = try plan("matrix: {axes: {seed: [1]}}\n", evaluating: false)
        let directory = library.directory(of: plan.runs[0].identity)
        try FileManager.default.createDirectory(atPath: directory.path, withIntermediateDirectories: true)
        var lock: RunLock? = try RunLock(directory.lock)
        #expect(lock != nil)
        var seen: [RunState] = []
        launcher.observer = { states in
            seen += states
            // The other process ends without a result: the run goes on here.
            if seen.count == 3 { lock = nil }
        }
        #expect(try sweep(plan, launcher) == [.finished])
        #expect(seen.prefix(3).allSatisfy { $0 == .elsewhere } && launcher.commands.count == 1)
        // It is taken between the look and the start.
        try FileManager.default.removeItem(atPath: library.path)
        launcher.status = Sweep.inUseStatus
        launcher.observer = { _ in launcher.status = nil }
        #expect(try sweep(plan, launcher) == [.finished])
    }

    @Test("A spec that is not the one a trial was begun with is told, with the setting")
    func changes() throws {
        let launcher = launcher()
        let before = try plan(evaluating: false)
        #expect(try before.changes(since: library).isEmpty)
        _ = try sweep(before, launcher)
        #expect(try before.changes(since: library).isEmpty)
        let after = try plan(evaluating: false, setting: ["search.batch_size=4"])
        let changes = try after.changes(since: library)
        #expect(changes.count == 2)
        #expect(
            changes[0]
                == "tiny-seed=1: the spec is not the one that \(before.runs[0].identity) was begun with "
                + "(search.batch_size was 8, is now 4): it is \(after.runs[0].identity) now")
        #expect(library.sweeps == ["m"])
    }

    @Test("What only shows in building is found before anything runs, once for all seeds")
    func sizes() throws {
        let plan = try plan("matrix: {axes: {search.batch_size: [8, 99], seed: [1, 2]}}\n")
        let error = failure { _ = try plan.sizes(in: library, on: run.backend, measuring: false) }
        #expect(error.contains("tiny-batch_size=99-seed=1: D_tr has 16 images, and a batch 99"), "\(error)")
        #expect(!error.contains("seed=2") && !error.contains("batch_size=8"))
        let sound = try self.plan()
        let sizes = try sound.sizes(in: library, on: run.backend, measuring: true)
        let size = try #require(sizes[sound.runs[0].identity])
        #expect(size.epochs == 2 && size.stepsPerEpoch == 2 && (size.secondsPerStep ?? 0) > 0)
        #expect(sizes[sound.runs[1].identity]?.stepsPerEpoch == 4)
        _ = try sweep(sound, launcher())
        #expect(try sound.sizes(in: library, on: run.backend, measuring: false).isEmpty)
    }

    private func failure(_ body: () throws -> Void) -> String {
        do { try body() } catch { return "\(error)" }
        return "no error"
    }

    @Test("A run's directory tells how far it has come, and how long it still takes")
    func status() throws {
        #expect(RunStatus(of: run.directory, .search).step == 0)
        try run.search()
        let status = RunStatus(of: run.directory, .search)
        #expect(status.step == 4 && status.epochs == 2)
        #expect(status.losses.map(\.name) == ["w2", "architecture"])
        #expect(
            status.losses.last?.value == (try run.column("architecture_loss", of: "search/metrics.csv").last))
        let size = try #require(
            try plan(setting: ["seed=3"]).sizes(in: library, on: run.backend, measuring: false).values.first {
                $0.stepsPerEpoch == 2
            })
        #expect(status.secondsLeft(of: size) == 0)
        // Half of a run takes as long as the other half.
        var half = RunStatus(of: run.directory, .search)
        (half.step, half.epochs, half.secondsOfEpochs) = (2, 1, 30)
        #expect(half.secondsLeft(of: size) == 30)
        (half.step, half.epochs, half.secondsPerStep) = (1, 0, 5)
        #expect(half.secondsLeft(of: size) == 15)
    }
}

/// Carries the commands out in this process, and ends them when they have been looked at.
private final class InProcessLauncher: Launcher, @unchecked Sendable {
    private let run: TinyRun
    private(set) var commands: [LaunchCommand] = []
    private(set) var widest = 0
    /// Names of commands that tell an error and fail.
    var failing: [String] = []
    /// Whether nothing can be started.
    var refusing = false
    /// How all commands end at once, without a result.
    var status: Int32?
    /// How often a command is looked at before it ends.
    var looks = 1
    var observer: ([RunState]) -> Void = { _ in }

    init(_ run: TinyRun) { self.run = run }

    func observe(_ states: [RunState]) {
        widest = max(widest, states.count { $0 == .running })
        observer(states)
    }

    func launch(_ command: LaunchCommand) throws -> any LaunchedCommand {
        if refusing { throw RunError("no") }
        commands.append(command)
        if let status { return Launched(status, looks) }
        if failing.contains(command.name) {
            try "epoch 1\nerror: the disk is full\n".write(
                toFile: command.output, atomically: true, encoding: .utf8)
            return Launched(1, looks)
        }
        let arguments = command.arguments
        let directory = arguments[arguments.firstIndex(of: "--output")! + 1]
        func experiment(_ path: String) throws -> Experiment {
            try Experiment(YAMLReader.read(file: path), registry: run.registry, defaults: TinyRun.defaults)
        }
        if arguments[0] == "search" {
            _ = try run.run(in: directory, true) { try SearchTask(experiment(arguments[1]), on: run.backend) }
        } else {
            let source = try EvaluationSource(RunDirectory(arguments[1])) { _ in try experiment(arguments[3])
            }
            _ = try run.run(in: directory, true) {
                try EvaluationTask(source.experiment, genotype: source.genotype, on: run.backend)
            }
        }
        return Launched(0, looks)
    }

    private final class Launched: LaunchedCommand {
        private let end: Int32
        private var looks: Int

        init(_ end: Int32, _ looks: Int) { (self.end, self.looks) = (end, looks) }

        var status: Int32? {
            looks -= 1
            return looks >= 0 ? nil : end
        }

        func interrupt() {}
    }
}
