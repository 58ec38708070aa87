import ArgumentParser
import ErrataCore
import Experiments
import Foundation

struct EvaluateCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Train a found architecture from scratch and test it.",
        discussion: """
            Give the directory of a finished search or of an evaluation; or, with --spec and --output, a file with a \
            genotype, as YAML or in the search space's text form, or the name of a published one, such as DARTS_V2.
            """)

    @Argument(help: "A run's directory, a genotype file, or the name of a published genotype.")
    var source: String

    @Option(help: "The experiment, for a genotype file or name.")
    var spec: String?

    @Option(name: .shortAndLong, help: "The directory that is to hold the run; by default the source.")
    var output: String?

    @OptionGroup var specOptions: SpecOptions
    @OptionGroup var options: RunOptions

    func validate() throws {
        if output == "" { throw ValidationError("--output '', expected a directory") }
        guard !isDirectory, spec != nil || FileManager.default.fileExists(atPath: source) else { return }
        if spec == nil { throw ValidationError("a genotype file needs --spec") }
        if output == nil { throw ValidationError("a genotype needs --output") }
    }

    private var isDirectory: Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory)
            && isDirectory.boolValue
    }

    func run(_ components: Components) throws {
        guard isDirectory || spec != nil else {
            throw FileError(
                source,
                "there is no such directory or file; a published genotype's name needs --spec and --output")
        }
        let searched = RunDirectory(source)
        let found =
            if !isDirectory, let spec {
                try EvaluationSource(genotype: source, of: specOptions.experiment(spec, components))
            } else {
                try EvaluationSource(searched) { try specOptions.experiment(spec ?? $0, components) }
            }
        let target = RunDirectory(output ?? source)
        let result = try options.carryOut("evaluate \(isDirectory ? searched.path : source)", in: target) {
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
