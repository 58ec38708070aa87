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

    func run(_ registry: PluginRegistry) throws {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: source, isDirectory: &isDirectory) else {
            throw FileError(source, "there is no such directory or file")
        }
        let searched = RunDirectory(source)
        let genotypePath = isDirectory.boolValue ? searched.genotype : source
        guard let specPath = spec ?? (isDirectory.boolValue ? searched.spec : nil) else {
            throw ValidationError("a genotype file needs --spec")
        }
        guard let target = output ?? (isDirectory.boolValue ? source : nil) else {
            throw ValidationError("a genotype file needs --output")
        }
        if isDirectory.boolValue, !FileManager.default.fileExists(atPath: genotypePath) {
            throw FileError(genotypePath, "there is no genotype: the search has not finished an epoch")
        }
        let genotype = try GenotypeFile.read(genotypePath)
        let experiment = try specOptions.experiment(specPath, registry)
        let backend = try compute.backend()
        let progress = ProgressBar()
        progress.say("evaluate \(genotypePath) in \(target): \(backend.summary)")
        let run = try EvaluationRun(
            experiment, genotype: genotype, in: RunDirectory(target), on: backend, resuming: resume,
            progress: progress)
        let outcome = try run.run()
        progress.close()
        switch outcome {
        case .finished(let result):
            Console.line(
                "test error \(percent(result.test.error)) on \(result.test.count) images, "
                    + "\(result.parameterCount) parameters")
            Console.line("  \(RunDirectory(target).evaluation("result.yaml"))")
        case .interrupted(let signal, let step):
            var command = "errata evaluate \(source)"
            if let spec { command += " --spec \(spec)" }
            if let output { command += " --output \(output)" }
            command += specOptions.assignments.map { " --set '\($0)'" }.joined()
            Console.error(
                "\(signal): stopped after step \(step), which the checkpoint holds. Go on with\n"
                    + "  \(command) --resume")
            throw ExitCode(signal == "SIGTERM" ? 143 : 130)
        }
    }
}
