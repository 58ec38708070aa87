import ArgumentParser
import ErrataCore
import Experiments
import Foundation

struct EvaluateCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Train a found architecture from scratch and test it.",
        discussion: """
            Give the directory of a finished search, or a genotype file (YAML, or the form \
            'Genotype(normal=[…], …)') with --spec and --output.
            """)

    @Argument(help: "A run's directory, or a genotype file.")
    var source: String

    @Option(help: "The experiment, for a genotype file.")
    var spec: String?

    @Option(name: .shortAndLong, help: "The directory that is to hold the run; by default the search's.")
    var output: String?

    @Flag(help: "Go on from the directory's checkpoint, where there is one.")
    var resume = false

    @OptionGroup var specOptions: SpecOptions
    @OptionGroup var compute: ComputeOptions

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

    func run(_ registry: PluginRegistry) throws {
        guard let isFile else { throw FileError(source, "there is no such directory or file") }
        let searched = RunDirectory(source)
        let found = isFile ? nil : try searched.searchResult()
        let genotype = try found?.genotype ?? GenotypeFile.read(source)
        let experiment = try specOptions.experiment(spec ?? searched.spec, registry)
        let target = RunDirectory(output ?? source)
        let backend = try compute.backend()
        let progress = ProgressBar()
        progress.say("evaluate \(isFile ? source : searched.genotype) in \(target.path): \(backend.summary)")
        let outcome = try progress.during {
            try EvaluationRun(
                experiment, genotype: genotype, in: target, on: backend, resuming: resume, progress: progress
            ).run()
        }
        switch outcome {
        case .finished(let result):
            if let found { try Console.show(found, of: searched) }
            try Console.line(
                "test error \(percent(result.test.error)) on \(result.test.count) images, "
                    + "\(result.parameterCount) parameters")
            try Console.line("  \(target.evaluation("result.yaml"))")
        case .interrupted(let signal, let step): throw Console.interrupted(by: signal, after: step)
        }
    }
}
