import ArgumentParser
import CPUEngine
import ErrataCore
import Experiments
import Foundation

struct SweepCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "sweep", abstract: "Run every trial of a matrix: search, and evaluate what is found.",
        discussion: """
            What is finished in the output folder is never run again, and what was begun goes on: the same command \
            begins a sweep and resumes it.
            """)

    @Argument(help: "The experiment, a YAML file with a section 'matrix'.")
    var spec: String

    @Option(name: .shortAndLong, help: "The folder that is to hold the runs; matrices may share it.")
    var output: String

    @Option(help: "How many runs go on at a time; the threads are shared out among them.")
    var jobs = 1

    @Flag(help: "Check everything, list the runs and how long they will take, and run nothing.")
    var dryRun = false

    @Flag(help: "Evaluate nothing.")
    var searchesOnly = false

    @Option(help: "What starts the runs: a launcher's name, or {name: …, setting: …}.")
    var launcher = "local"

    @OptionGroup var specOptions: SpecOptions
    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        if output.isEmpty { throw ValidationError("--output '', expected a folder") }
        if !(1...1024).contains(jobs) { throw ValidationError("--jobs \(jobs), expected 1 to 1024") }
    }

    func run(_ components: Components) throws {
        let matrix = try ExperimentMatrix(file: spec, setting: specOptions.assignments)
        let experiments = try matrix.experiments(components.registry, components.defaults)
        let plan = SweepPlan(name, matrix, experiments, evaluating: !searchesOnly)
        let launcher = try launcher(components.registry)
        let library = RunLibrary(absolute(output))
        let threads = max((compute.threads ?? availableProcessors()) / jobs, 1)
        let sizes = try plan.sizes(in: library, on: CPUBackend(threads: threads), measuring: dryRun)
        let table = SweepTable(plan, library, sizes, jobs: jobs)
        for line in try plan.changes(since: library) { try Console.line(line) }
        if dryRun { return try table.list(threads: threads) }

        Interruption.install()
        let sweep = Sweep(
            plan, in: library, by: launcher,
            command: .init(
                program: try program(), threads: threads, options: ["--device", compute.device.rawValue]),
            width: jobs)
        let states = try sweep.run(table.show)
        try table.end(states)
        if let signal = Interruption.received {
            Console.error("\(signal): stopped; the same command goes on")
            throw ExitCode(Interruption.exitStatus(after: signal))
        }
        if states.contains(where: { $0 != .finished }) { throw ExitCode.failure }
    }

    /// The file's name without its folders and its extension.
    private var name: String { URL(filePath: spec).deletingPathExtension().lastPathComponent }

    private func absolute(_ path: String) -> String { PathSetting(path).path }

    /// This program, wherever it was found.
    private func program() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    }

    private func launcher(_ registry: PluginRegistry) throws -> any Launcher {
        let location = ConfigurationValue.Location("--launcher")
        let value = try YAMLReader.read(launcher, source: location.source, at: location)
        var decoder = ConfigurationDecoder(registry: registry)
        let selection = ComponentSelection.codec.decode(value, default: nil, &decoder)
        let prepared = selection.flatMap { decoder.resolve($0, from: registry.launchers) }
        try decoder.finish()
        guard let prepared else {
            throw ValidationError("--launcher '\(launcher)', expected a launcher's name")
        }
        return try prepared.make(())
    }
}
