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

    func run(_ registry: PluginRegistry) throws {
        let experiment = try specOptions.experiment(spec, registry)
        let backend = try compute.backend()
        let progress = ProgressBar()
        progress.say("search '\(experiment.spec.name)' in \(output): \(backend.summary)")
        let run = try SearchRun(
            experiment, in: RunDirectory(output), on: backend, resuming: resume, progress: progress)
        let outcome = try run.run()
        progress.close()
        switch outcome {
        case .finished(let result): show(result)
        case .interrupted(let signal, let step):
            let assignments = specOptions.assignments.map { "--set '\($0)' " }.joined()
            Console.error(
                "\(signal): stopped after step \(step), which the checkpoint holds. Go on with\n"
                    + "  errata search \(spec) --output \(output) \(assignments)--resume")
            throw ExitCode(signal == "SIGTERM" ? 143 : 130)
        }
    }

    private func show(_ result: SearchRun.Result) {
        Console.line("genotype (epoch \(result.epoch), validation accuracy \(percent(result.accuracy))):")
        Console.line("  \(result.genotype)")
        if !result.classWeights.isEmpty {
            Console.line("class weights, mean of the last epoch:")
            Console.table(
                zip(result.classNames, result.classWeights).map { [$0, String(format: "%.4f", $1)] })
        }
        Console.line("pictures:")
        for picture in result.pictures { Console.line("  \(picture)") }
        Console.line("evaluate it with: errata evaluate \(output)")
    }
}

func percent(_ fraction: Double) -> String { String(format: "%.2f %%", fraction * 100) }
