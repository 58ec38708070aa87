import ArgumentParser
import Experiments
import Foundation

struct RunsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "runs", abstract: "Query the runs of a folder.",
        subcommands: [ListRuns.self, ShowRun.self, CompareRuns.self, RemoveRuns.self])
}

/// Runs by the paths of their directories.
struct ChosenRuns: ParsableArguments {
    @Argument(help: "Directories of runs.")
    var directories: [String]

    /// The runs of all directories with their index.
    func runs() throws -> [(index: RunIndex, run: RecordedRun)] {
        var indices: [String: RunIndex] = [:]
        return try directories.flatMap { path in
            let url = URL(filePath: path).standardizedFileURL
            let folder = url.deletingLastPathComponent().path
            let index = try indices[folder] ?? RunIndex(of: folder)
            indices[folder] = index
            let runs = try index.runs().filter { $0.directory == url.lastPathComponent }
            guard !runs.isEmpty else {
                throw FileError(
                    path, index.notices.first { $0.contains(url.lastPathComponent) } ?? "holds no run")
            }
            return runs.map { (index, $0) }
        }
    }
}

struct ListRuns: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List runs.")

    @Argument(help: "The folder of the runs.")
    var folder = "runs"

    @Option(
        name: .customLong("where"), parsing: .singleValue,
        help: ArgumentHelp("Runs with this setting alone; may be repeated.", valueName: "key.path=value"))
    var conditions: [String] = []

    @Option(help: "The runs of a sweep alone: the name of its file, without .yaml.")
    var sweep: String?

    @Option(help: "search or evaluation.")
    var kind: RunKind?

    @Flag(inversion: .prefixedNo, help: "Those that have ended alone, or those that have not.")
    var finished: Bool?

    func run() throws {
        let index = try RunIndex(of: folder)
        for notice in index.notices { Console.error(notice) }
        var query = RunIndex.Query()
        (query.kind, query.isFinished, query.sweep) = (kind, finished, sweep)
        query.settings = try conditions.map { condition in
            let parts = condition.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else {
                throw ValidationError("--where '\(condition)', expected key.path=value")
            }
            return (parts[0], parts[1])
        }
        let runs = try index.runs(query)
        let head = [
            "run", "name", "state", "epochs", "time", "validation accuracy", "test error", "parameters",
        ]
        try Console.table(
            [head] + runs.map { [$0.title, $0.name, $0.state(in: folder)] + $0.measured }, indent: 0)
    }
}

struct ShowRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what runs are, what they have come to, and their settings.")

    @OptionGroup var chosen: ChosenRuns

    func run() throws {
        for (index, run) in try chosen.runs() {
            try Console.line(run.title)
            let titles = [
                "name", "state", "epochs", "time", "validation accuracy", "test error", "parameters",
            ]
            var rows = zip(titles, [run.name, run.state(in: index.folder)] + run.measured).map { [$0, $1] }
                .filter { !$0[1].isEmpty }
            rows += try index.trials(of: run).map { ["trial", $0] }
            rows += try index.settings(of: run).sorted { $0.key < $1.key }.map { [$0.key, $0.value] }
            try Console.table(rows)
        }
    }
}

struct CompareRuns: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compare", abstract: "Show in which settings runs differ, and what they have come to.")

    @OptionGroup var chosen: ChosenRuns

    func run() throws {
        let runs = try chosen.runs()
        let settings = try runs.map { try $0.index.settings(of: $0.run) }
        var rows = [[""] + runs.map(\.run.title)]
        for path in Set(settings.flatMap(\.keys)).sorted() {
            let values = settings.map { $0[path] ?? "-" }
            if Set(values).count > 1 { rows.append([path] + values) }
        }
        for (index, title) in ["epochs", "time", "validation accuracy", "test error", "parameters"]
            .enumerated()
        {
            rows.append([title] + runs.map { $0.run.measured[index] })
        }
        try Console.table(rows, indent: 0)
    }
}

struct RemoveRuns: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm", abstract: "Delete the directories of runs, with all in them.")

    @OptionGroup var chosen: ChosenRuns

    func run() throws {
        var removed: Set<String> = []
        for (index, run) in try chosen.runs()
        where removed.insert("\(index.folder)/\(run.directory)").inserted {
            try index.remove(run)
            try Console.line("deleted \(index.folder)/\(run.directory)")
        }
    }
}

extension RunKind: ExpressibleByArgument {}

extension RecordedRun {
    /// Whether it has ended, or a process is at it.
    fileprivate func state(in folder: String) -> String {
        if isFinished { return "finished" }
        return RunDirectory("\(folder)/\(directory)").isInUse ? "running" : "stopped"
    }

    /// Epochs, time, validation accuracy, test error, parameters; empty is what there is not.
    fileprivate var measured: [String] {
        [
            "\(epochs)", seconds.map(duration) ?? "", validationAccuracy.map(percent) ?? "",
            testError.map(percent) ?? "", parameters.map { "\($0)" } ?? "",
        ]
    }
}
