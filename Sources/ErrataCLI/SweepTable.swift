import ErrataCore
import Experiments
import Foundation

/// A sweep's runs on the screen: a table that is redrawn on a terminal, lines of news elsewhere.
final class SweepTable {
    private let plan: SweepPlan
    private let library: RunLibrary
    private let sizes: [RunIdentity: RunSize]
    private let jobs: Int
    private let isTerminal =
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    private var linesDrawn = 0
    private var before: [RunState] = []
    private var epochs: [RunIdentity: Int] = [:]
    private var lastShown: ContinuousClock.Instant?

    init(_ plan: SweepPlan, _ library: RunLibrary, _ sizes: [RunIdentity: RunSize], jobs: Int) {
        (self.plan, self.library, self.sizes, self.jobs) = (plan, library, sizes, jobs)
    }

    // MARK: Before

    /// Every run that is wanted, what there is of it, and how long the rest takes.
    func list(threads: Int) throws {
        var rows = [["run", "trial", "state", "takes about"]]
        var total = 0.0
        for run in plan.runs {
            guard let size = sizes[run.identity] else {
                rows.append(["\(run.identity)", trials(run), "finished", ""])
                continue
            }
            let status = RunStatus(of: library.directory(of: run.identity), run.identity.kind)
            let left = left(run, status)
            total += left ?? 0
            let state = status.step == 0 ? "new" : "at epoch \(status.epochs + 1) of \(size.epochs)"
            rows.append(["\(run.identity)", trials(run), state, left.map(duration) ?? "?"])
        }
        try Console.table(rows, indent: 0)
        try Console.line(
            "\(plan.trials.count) trials are \(plan.runs.count) runs, \(plan.runs.count - sizes.count) of them finished; "
                + "the others take about \(duration(total / Double(jobs))), \(jobs) at a time of \(threads) "
                + (threads == 1 ? "thread" : "threads"))
        if !sizes.isEmpty {
            try Console.line(
                "(by the epochs of such runs where there are any, else by a step: epochs' ends come on top)")
        }
    }

    /// Runs that differ in their seeds alone take as long as each other.
    private func left(_ run: SweepPlan.PlannedRun, _ status: RunStatus) -> Double? {
        guard let size = sizes[run.identity] else { return 0 }
        if status.epochs > 0 { return status.secondsLeft(of: size) }
        for other in plan.runs where other.identity.kind == run.identity.kind && other.family == run.family {
            let known = RunStatus(of: library.directory(of: other.identity), other.identity.kind)
            if known.epochs > 0, let seconds = known.secondsOfEpochs {
                return seconds / Double(known.epochs) * Double(size.epochs)
            }
        }
        return status.secondsLeft(of: size)
    }

    private func trials(_ run: SweepPlan.PlannedRun) -> String {
        run.trials.count == 1 ? run.trials[0] : "\(run.trials[0]) and \(run.trials.count - 1) more"
    }

    // MARK: While it runs

    func show(_ states: [RunState]) {
        if isTerminal { draw(states) } else { tell(states) }
        before = states
    }

    /// Redraws the table, now and then.
    private func draw(_ states: [RunState]) {
        let now = ContinuousClock.now
        if states == before, let lastShown, now - lastShown < .seconds(1) { return }
        lastShown = now
        let (width, height) = terminalSize()
        var rows = zip(plan.runs, states).map { row($0, $1) }
        // The finished and the waiting give way first where there is not room for all.
        let room = max(height - 3, 3)
        if rows.count > room {
            let urgent = states.indices.filter { ![.finished, .waiting].contains(states[$0]) }
            rows = urgent.prefix(room).map { rows[$0] }
        }
        let lines = aligned(rows) + [summary(states)]
        let text = lines.map { "\u{1B}[K" + String($0.escaped.prefix(width)) + "\n" }.joined()
        Console.raw((linesDrawn > 0 ? "\u{1B}[\(linesDrawn)A\u{1B}[J" : "") + text)
        linesDrawn = lines.count
    }

    /// Says what has changed: states and epochs.
    private func tell(_ states: [RunState]) {
        for (index, run) in plan.runs.enumerated() {
            let status = RunStatus(of: library.directory(of: run.identity), run.identity.kind)
            let isNews = before.isEmpty ? states[index] != .waiting : before[index] != states[index]
            let hasEnded = states[index] == .running && status.epochs > epochs[run.identity] ?? status.epochs
            if states[index] == .running { epochs[run.identity] = status.epochs }
            if isNews || hasEnded {
                Console.error(row(run, states[index]).filter { !$0.isEmpty }.joined(separator: "  "))
            }
        }
    }

    private func row(_ run: SweepPlan.PlannedRun, _ state: RunState) -> [String] {
        let head = ["\(run.identity)", trials(run)]
        switch state {
        case .waiting: return head + ["waiting", "", "", ""]
        case .finished: return head + ["finished", "", "", ""]
        case .failed(let reason): return head + ["failed: \(reason)", "", "", ""]
        case .blocked(let search): return head + ["not run: \(search) has failed", "", "", ""]
        case .running, .elsewhere:
            let status = RunStatus(of: library.directory(of: run.identity), run.identity.kind)
            let losses = status.losses.map { "\($0.name) \(String(format: "%.3f", $0.value))" }
            guard let size = sizes[run.identity] else { return head + ["running", "", "", ""] }
            return head + [
                state == .running ? "running" : "in another process",
                "epoch \(min(status.epochs + 1, size.epochs))/\(size.epochs)",
                status.secondsLeft(of: size).map { "\(duration($0)) left" } ?? "",
                losses.joined(separator: " "),
            ]
        }
    }

    private func summary(_ states: [RunState]) -> String {
        func count(_ isCounted: (RunState) -> Bool) -> Int { states.count(where: isCounted) }
        let running = count { $0 == .running }
        let failed = count {
            switch $0 {
            case .failed, .blocked: true
            case .waiting, .running, .elsewhere, .finished: false
            }
        }
        return "\(count { $0 == .finished }) of \(states.count) runs finished"
            + (running > 0 ? ", \(running) running" : "") + (failed > 0 ? ", \(failed) failed" : "")
    }

    private func aligned(_ rows: [[String]]) -> [String] {
        let widths = rows.reduce(into: [Int](repeating: 0, count: 6)) { widths, row in
            guard row[3...].contains(where: { !$0.isEmpty }) || row[2].count < 20 else { return }
            for (index, cell) in row.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        return rows.map { row in
            zip(row, widths).map { $0.padding(toLength: max($1, $0.count), withPad: " ", startingAt: 0) }
                .joined(separator: "  ")
        }
    }

    private func terminalSize() -> (width: Int, height: Int) {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return (80, 24) }
        return (Int(size.ws_col) - 1, Int(size.ws_row))
    }

    // MARK: After

    /// What has come of it, and where it is.
    func end(_ states: [RunState]) throws {
        var failures: [String] = []
        for (run, state) in zip(plan.runs, states) {
            if case .failed(let reason) = state {
                failures.append("\(trials(run)): \(reason)\n  \(library.output(of: run.identity))")
            }
        }
        for failure in failures { Console.error("failed: \(failure)") }
        try Console.line("\(summary(states)), in \(library.path)")
    }
}
