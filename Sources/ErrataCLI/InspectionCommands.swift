import ArgumentParser
import CPUEngine
import ErrataCore
import Experiments
import Foundation
import TensorEngine

struct ValidateCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check an experiment and print it with every default.")

    @Argument(help: "The experiment, a YAML file.")
    var spec: String

    @OptionGroup var specOptions: SpecOptions

    func run(_ components: Components) throws {
        let matrix = try ExperimentMatrix(file: spec, setting: specOptions.assignments)
        let experiments = try matrix.experiments(components.registry, components.defaults)
        guard matrix.isMatrix else {
            return try Console.line(
                YAMLWriter.text(experiments[0].spec.encoded).trimmingCharacters(in: .newlines))
        }
        try Console.line("\(matrix.trials.count) trials:")
        for trial in matrix.trials { try Console.line("  \(trial.name)") }
        try Console.line("one of them alone: 'errata validate SPEC --set AXIS=CHOICE …'")
    }
}

struct SchemaCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print a JSON Schema of experiments, for editors.")

    func run(_ components: Components) throws {
        try Console.line(
            SpecSchema.text(components.registry, components.defaults).trimmingCharacters(in: .newlines))
    }
}

struct PluginsCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins", abstract: "Show what an experiment can choose, and every setting.")

    @Argument(help: "Show these alone.")
    var names: [String] = []

    func run(_ components: Components) throws {
        var known: [String] = []
        for (kind, summaries) in components.registry.kinds {
            for component in summaries {
                known.append(component.name)
                guard names.isEmpty || names.contains(component.name) else { continue }
                try Console.line("\(kind) \(component.name): \(component.summary)")
                try Console.table((component.settings + networkSettings(component.name, components)).map(row))
            }
        }
        for name in names where !known.contains(name) {
            throw ValidationError(
                "there is no plugin called '\(name)' (there are: \(known.joined(separator: ", ")))")
        }
        if names.isEmpty {
            try Console.line("experiment: the settings of every spec")
            try Console.table(ExperimentSpec(components.defaults).rows(path: "").map(row))
        }
    }

    /// The settings of the networks that a search space's genotypes are evaluated as.
    private func networkSettings(_ name: String, _ components: Components) throws -> [ConfigurationRow] {
        let spaces = components.registry.searchSpaces
        guard spaces.components.contains(where: { $0.name == name }) else { return [] }
        let space = try spaces.resolve(ComponentSelection(name), registry: components.registry).make(())
        return space.networkSettings(path: "evaluation.network")
    }

    /// A default that would make the table too wide is cut: `errata validate` shows it whole.
    private func row(_ setting: ConfigurationRow) -> [String] {
        let standard = setting.default.count > 80 ? "\(setting.default.prefix(79))…" : setting.default
        return [
            setting.path, setting.type + (setting.constraint.map { " \($0)" } ?? ""),
            standard.isEmpty ? "" : "= \(standard)", setting.meaning,
        ]
    }
}

struct DoctorCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show what this machine computes with, and which data sets it has.")

    func run(_ components: Components) throws {
        let backend = try CPUBackend(threads: availableProcessors())
        var rows = [
            ["errata", Errata.version],
            ["CPU", cpuName()],
            ["kernels", "\(backend.isa.name) (ERRATA_ISA forces others: baseline, avx2, avx512)"],
            ["OpenBLAS core", backend.blasCore],
            ["threads", "\(backend.threads)"],
        ]
        rows.append(["SGEMM", String(format: "%.0f GFLOP/s", try gemmRate(backend))])
        for component in components.registry.datasets.components {
            rows.append([component.name, found(component.name, components)])
        }
        rows.append([
            "graphviz",
            GraphvizDrawing.installed == nil
                ? "not found: cells are written as DOT" : "found: cells are drawn as SVG",
        ])
        try Console.table(rows, indent: 0)
    }

    /// What a data set holds without settings, or why it holds nothing.
    private func found(_ name: String, _ components: Components) -> String {
        do {
            let data = try components.registry.datasets.resolve(ComponentSelection(name)).make(())
            return "\(data.training.count) training images"
        } catch { return "\(error)" }
    }

    private func cpuName() -> String {
        let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        return line?.split(separator: ":").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown"
    }

    /// Of the better of two products of 2048×2048 matrices.
    private func gemmRate(_ backend: CPUBackend) throws -> Double {
        let a = backend.normal([2048, 2048], .float32, from: RandomStream(seed: 1))
        let seconds = try (0..<3).map { _ in
            let start = ContinuousClock.now
            _ = try a.matmul(a)
            return (ContinuousClock.now - start) / .seconds(1)
        }.min()!
        return 2 * 2048.0 * 2048 * 2048 / seconds / 1e9
    }
}
