import Datasets
import ErrataCore
import Foundation

/// Runs what a plan wants and a library does not have yet, several runs at a time, each a command of its own.
///
/// What is finished is never run again, and what was begun goes on, whoever began it: sweeps that share runs may go on
/// side by side. A run that fails ends no other, except evaluations of what it would have found.
public final class Sweep {
    /// How a command ends whose run another process has.
    public static let inUseStatus: Int32 = 75

    private let plan: SweepPlan
    private let library: RunLibrary
    private let launcher: any Launcher
    private let command: Command
    private let width: Int
    private let interval: Duration
    private var states: [RunIdentity: RunState] = [:]
    private var running: [RunIdentity: any LaunchedCommand] = [:]

    /// The command that runs one run.
    public struct Command: Sendable {
        let program: String
        let threads: Int
        let options: [String]

        /// - Parameters:
        ///   - program: Errata's own absolute path.
        ///   - threads: of each run.
        ///   - options: added to each command.
        public init(program: String, threads: Int, options: [String] = []) {
            self.program = program
            self.threads = threads
            self.options = options
        }
    }

    /// - Parameters:
    ///   - plan: what is wanted.
    ///   - library: what is there, and where runs go.
    ///   - launcher: starts the commands.
    ///   - command: what it starts.
    ///   - width: how many runs go on at a time.
    ///   - interval: between two looks at the runs.
    public init(
        _ plan: SweepPlan, in library: RunLibrary, by launcher: any Launcher, command: Command, width: Int,
        interval: Duration = .milliseconds(250)
    ) {
        self.plan = plan
        self.library = library
        self.launcher = launcher
        self.command = command
        self.width = width
        self.interval = interval
    }

    /// Runs until all have ended, or a signal comes, which is passed on.
    ///
    /// - Parameter observe: is called after each look at the runs, with their states in the plan's order.
    /// - Returns: the states at the end.
    /// - Throws: `FileError` if the library cannot be written.
    public func run(_ observe: ([RunState]) -> Void) throws -> [RunState] {
        try library.write(plan.record, of: plan.name)
        for run in plan.runs {
            states[run.identity] = library.isFinished(run.identity) ? .finished : .waiting
        }
        var isStopping = false
        while true {
            settle(isStopping: isStopping)
            if !isStopping, Interruption.received != nil {
                isStopping = true
                for launched in running.values { launched.interrupt() }
            }
            if !isStopping { try launch() }
            observe(ordered)
            if running.isEmpty, isStopping || !ordered.contains(where: \.isPending) { break }
            Thread.sleep(forTimeInterval: interval / .seconds(1))
        }
        return ordered
    }

    private var ordered: [RunState] { plan.runs.map { states[$0.identity] ?? .waiting } }

    /// Notes how commands have ended.
    private func settle(isStopping: Bool) {
        for (run, launched) in running {
            guard let status = launched.status else { continue }
            running[run] = nil
            states[run] =
                if library.isFinished(run) {
                    .finished
                } else if status == Self.inUseStatus {
                    .elsewhere
                } else if isStopping {
                    .waiting
                } else {
                    .failed(reason(of: run, status))
                }
        }
    }

    /// Starts what can be started, while there is room.
    private func launch() throws {
        for run in plan.runs where states[run.identity]?.isPending == true && running[run.identity] == nil {
            if library.isFinished(run.identity) {
                states[run.identity] = .finished
                continue
            }
            if let search = run.search {
                switch states[search] {
                case .finished: break
                case .failed, .blocked:
                    states[run.identity] = .blocked(by: search)
                    continue
                default: continue
                }
            }
            if library.directory(of: run.identity).isInUse {
                states[run.identity] = .elsewhere
                continue
            }
            guard running.count < width else { continue }
            try library.prepare(run.identity, run.experiment.spec)
            do {
                running[run.identity] = try launcher.launch(launchCommand(of: run))
                states[run.identity] = .running
            } catch {
                states[run.identity] = .failed("it cannot be started: \(error)")
            }
        }
    }

    private func launchCommand(of run: SweepPlan.PlannedRun) -> LaunchCommand {
        let directory = library.directory(of: run.identity)
        let spec = directory.spec(of: run.identity.kind)
        let what =
            if let search = run.search {
                ["evaluate", library.directory(of: search).path, "--spec", spec]
            } else { ["search", spec] }
        return LaunchCommand(
            name: "\(run.identity)", program: command.program,
            arguments: what + ["--output", directory.path, "--resume", "--threads", "\(command.threads)"]
                + command.options,
            output: library.output(of: run.identity), threads: command.threads)
    }

    /// Why a run has failed: the last error it told, or how its process ended.
    private func reason(of run: RunIdentity, _ status: Int32) -> String {
        let text = (try? RegularFile.contents(of: library.output(of: run))).map {
            String(decoding: $0, as: UTF8.self)
        }
        let lines = (text ?? "").split(separator: "\n").suffix(100)
        let error = lines.last { $0.hasPrefix("error: ") }.map { String($0.dropFirst(7)) }
        if status > 128 { return "signal \(status - 128) ended it" }
        return error ?? "it ended with status \(status)"
    }
}

/// Where a run of a sweep is.
public enum RunState: Sendable, Hashable {
    case waiting, running, finished
    /// Another process has it.
    case elsewhere
    case failed(String)
    /// An evaluation whose search has failed.
    case blocked(by: RunIdentity)

    /// Whether something is still to come.
    public var isPending: Bool {
        switch self {
        case .waiting, .running, .elsewhere: true
        case .finished, .failed, .blocked: false
        }
    }
}
