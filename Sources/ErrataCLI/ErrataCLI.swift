import ArgumentParser
import CPUEngine
import ErrataCore
import Experiments
import Foundation
import TensorEngine

/// The command line as a library: a package with plugins of its own has all of it by
///
///     ErrataCLI.main(plugins: [DARTSPlugin(), MyGeneratorPlugin()])
public enum ErrataCLI {
    /// Parses the command line, runs the command, and ends the process: 0 if all went well, 64 if the command
    /// line was wrong, 130 or 143 after an interruption, 1 otherwise.
    public static func main(plugins: [any Plugin]) -> Never {
        do {
            let registry = try PluginRegistry(plugins)
            var command = try ErrataCommand.parseAsRoot()
            if let command = command as? any RegistryCommand {
                try command.run(registry)
            } else {
                try command.run()
            }
            exit(0)
        } catch let code as ExitCode {
            exit(code.rawValue)
        } catch let error where ErrataCommand.exitCode(for: error) == .failure {
            Console.error("error: \(error)")
            exit(1)
        } catch {
            ErrataCommand.exit(withError: error)
        }
    }
}

/// A command that needs to know which plugins there are.
protocol RegistryCommand: ParsableCommand {
    func run(_ registry: PluginRegistry) throws
}

struct ErrataCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "errata",
        abstract: "Neural architecture search by learning from mistakes.",
        discussion: """
            An experiment is a YAML file. 'errata validate SPEC' shows it with every default, 'errata plugins' what \
            can be chosen in it.
            """,
        version: Errata.version,
        subcommands: [
            SearchCommand.self, EvaluateCommand.self, ValidateCommand.self, PluginsCommand.self,
            DoctorCommand.self,
        ])
}

/// Options of every command that reads a spec.
struct SpecOptions: ParsableArguments {
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Change a setting; may be repeated.", valueName: "key.path=value"))
    var assignments: [String] = []

    func experiment(_ path: String, _ registry: PluginRegistry) throws -> Experiment {
        try Experiment(SpecOverlay.read(file: path, setting: assignments), registry: registry)
    }
}

/// Options of every command that computes.
struct ComputeOptions: ParsableArguments {
    @Option(help: "How many threads compute; all cores by default. No result depends on it.")
    var threads: Int?

    func backend() throws -> CPUBackend {
        Interruption.install()
        return try CPUBackend(threads: threads)
    }

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads), expected 1 to 1024")
        }
    }
}
