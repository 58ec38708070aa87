import ArgumentParser
import ErrataCore
import Experiments
import Foundation

struct SearchCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Search an architecture as a YAML file says.")

    @Argument(help: "The experiment, a YAML file.")
    var spec: String

    @Option(name: .shortAndLong, help: "The directory that is to hold the run.")
    var output: String

    @Flag(help: "Go on from the directory's checkpoint, where there is one.")
    var resume = false

    @OptionGroup var specOptions: SpecOptions
    @OptionGroup var compute: ComputeOptions

    func validate() throws {
        if output.isEmpty { throw ValidationError("--output '', expected a directory") }
    }

    func run(_ registry: PluginRegistry) throws {
        let experiment = try specOptions.experiment(spec, registry)
        let backend = try compute.backend()
        let directory = RunDirectory(output)
        let progress = ProgressBar()
        progress.say("search '\(experiment.spec.name)' in \(directory.path): \(backend.summary)")
        let outcome = try progress.during {
            try SearchRun(
                experiment, in: directory, on: backend, resuming: resume, progress: progress
            ).run()
        }
        switch outcome {
        case .finished(let result):
            try Console.show(result, of: directory)
            let errata = Console.shellWord(CommandLine.arguments[0])
            try Console.line("evaluate it with: \(errata) evaluate \(Console.shellWord(directory.path))")
        case .interrupted(let signal, let step): throw Console.interrupted(by: signal, after: step)
        }
    }
}
