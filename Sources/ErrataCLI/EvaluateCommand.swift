import ArgumentParser
import ErrataCore
import Experiments
import Foundation

struct EvaluateCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Train a found architecture from scratch and test it.",
        discussion: """
            Give the directory of a finished search or of an evaluation, or a file with a genotype, as YAML or in the \
            search space's text form, with --spec and --output.
            """)

    @Argument(help: "A run's directory, or a genotype file.")
    var source: String

    @Option(help: "The experiment, for a genotype file.")
    var spec: String?

    @Option(name: .shortAndLong, help: "The directory that is to hold the run; by default the source.")
    var output: String?

    @OptionGroup var specOptions: SpecOptions
    @OptionGroup var options: RunOptions

    func validate() throws {
        if output == "" { throw ValidationError("--output '', expected a directory") }
        guard isFile == true else { return }
        if spec == nil { throw ValidationError("a genotype file needs --spec") }
        if output == nil { throw ValidationError("a genotype file needs --output") }
    }

    /// Whether the source is a file or a directory; `nil` if it is neither.
    private var isFile: Bool? {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory) else { return nil }
        return !isDirectory.boolValue
    }

    func run(_ components: Components) throws {
        guard let isFile else { throw FileError(source, "there is no such directory or file") }
        let searched = RunDirectory(source)
        let found =
            if isFile, let spec {
                try EvaluationSource(file: source, of: specOptions.experiment(spec, components))
            } else {
                try EvaluationSource(searched) { try specOptions.experiment(spec ?? $0, components) }
            }
        let target = RunDirectory(output ?? source)
        let result = try options.carryOut("evaluate \(isFile ? source : searched.path)", in: target) {
            try EvaluationTask(found.experiment, genotype: found.genotype, on: $0)
        }
        if let search = found.search {
            try Console.show(search, of: searched, in: found.experiment.searchSpace)
        }
        try Console.line(
            "test error \(percent(result.testError)) on \(result.testImages) images, "
                + "\(result.parameters) parameters")
        try Console.line("  \(target.result(of: .evaluation))")
    }
}
