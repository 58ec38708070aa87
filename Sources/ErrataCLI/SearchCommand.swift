import ArgumentParser
import ErrataCore
import Experiments

struct SearchCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "search", abstract: "Search an architecture as a YAML file says.")

    @Argument(help: "The experiment, a YAML file.")
    var spec: String

    @Option(name: .shortAndLong, help: "The directory that is to hold the run.")
    var output: String

    @OptionGroup var specOptions: SpecOptions
    @OptionGroup var options: RunOptions

    func validate() throws {
        if output.isEmpty { throw ValidationError("--output '', expected a directory") }
    }

    func run(_ components: Components) throws {
        let experiment = try specOptions.experiment(spec, components)
        let directory = RunDirectory(output)
        let result = try options.carryOut("search '\(experiment.spec.name)'", in: directory) {
            try SearchTask(experiment, on: $0)
        }
        try Console.show(result, of: directory, in: experiment.searchSpace)
        let errata = Console.shellWord(CommandLine.arguments[0])
        try Console.line("evaluate it with: \(errata) evaluate \(Console.shellWord(directory.path))")
    }
}
