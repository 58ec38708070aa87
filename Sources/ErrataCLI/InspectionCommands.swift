import ArgumentParser
import CPUEngine
import Datasets
import ErrataCore
import Experiments
import Foundation
import TensorEngine

struct ValidateCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "validate", abstract: "Check an experiment and print it with every default.")

    @Argument(help: "The experiment, a YAML file.")
    var spec: String

    @OptionGroup var specOptions: SpecOptions

    func run(_ registry: PluginRegistry) throws {
        let experiment = try specOptions.experiment(spec, registry)
        try Console.line(YAMLWriter.text(experiment.spec.encoded).trimmingCharacters(in: .newlines))
    }
}

struct PluginsCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "plugins", abstract: "Show what an experiment can choose, and every setting.")

    @Argument(help: "Show these alone.")
    var names: [String] = []

    func run(_ registry: PluginRegistry) throws {
        var known: [String] = []
        func show<Product, Context>(_ list: ComponentList<Product, Context>) throws {
            for component in list.components {
                known.append(component.name)
                guard names.isEmpty || names.contains(component.name) else { continue }
                try Console.line("\(list.kind) \(component.name): \(component.summary)")
                try Console.table(component.settings.map(row))
            }
        }
        try show(registry.searchSpaces)
        try show(registry.generators)
        try show(registry.weighters)
        try show(registry.hypergradients)
        try show(registry.datasets)
        for name in names where !known.contains(name) {
            throw ValidationError(
                "there is no plugin called '\(name)' (there are: \(known.joined(separator: ", ")))")
        }
        if names.isEmpty {
            try Console.line("experiment: the settings of every spec")
            try Console.table(ExperimentSpec.rows.map(row))
        }
    }

    private func row(_ setting: ConfigurationRow) -> [String] {
        [
            setting.path, setting.type + (setting.constraint.map { " \($0)" } ?? ""),
            setting.default.isEmpty ? "" : "= \(setting.default)", setting.meaning,
        ]
    }
}

struct DoctorCommand: RegistryCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Show what this machine computes with, and which data sets it has.")

    func run(_ registry: PluginRegistry) throws {
        let backend = try CPUBackend()
        var rows = [
            ["errata", Errata.version],
            ["CPU", cpuName()],
            ["kernels", "\(backend.isa.name) (ERRATA_ISA forces others: baseline, avx2, avx512)"],
            ["OpenBLAS core", backend.blasCore],
            ["threads", "\(backend.threads)"],
        ]
        rows.append(["SGEMM", String(format: "%.0f GFLOP/s", try gemmRate(backend))])
        do {
            let data = try FashionMNIST.load(split: .train)
            rows.append([
                "fashion-mnist", "\(data.count) training images in \(FashionMNIST.defaultDirectory)",
            ])
        } catch {
            rows.append(["fashion-mnist", "\(error)"])
        }
        let hasDot = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .contains { access("\($0)/dot", X_OK) == 0 }
        rows.append([
            "graphviz", hasDot ? "found: cells are drawn as SVG" : "not found: cells are written as DOT",
        ])
        try Console.table(rows, indent: 0)
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
