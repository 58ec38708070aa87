import ArgumentParser
import ErrataCore
import Experiments
import Foundation
import TensorEngine

/// The command line as a library: a package with plugins of its own has all of it by
///
///     ErrataCLI.main(plugins: [DARTSPlugin(), MyGeneratorPlugin()])
public enum ErrataCLI {
    /// Parses the command line, runs the command, and ends the process: 0 if all went well, 64 if the command
    /// line was wrong, 128 and a signal's number after an interruption, 1 otherwise.
    public static func main(plugins: [any Plugin]) -> Never {
        openStandardDescriptors()
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

    /// Opens those of the descriptors 0 to 2 that are closed, so that no file of a run is taken for one of them.
    private static func openStandardDescriptors() {
        var descriptor: Int32
        repeat {
            descriptor = open("/dev/null", O_RDWR)
        } while (STDIN_FILENO...STDERR_FILENO).contains(descriptor)
        close(descriptor)
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
    @Option(
        help:
            "How many threads compute; by default as many as this process may use cores. No result depends on it."
    )
    var threads: Int?

    func backend() throws -> CPUBackend {
        Interruption.install()
        return try CPUBackend(threads: threads ?? availableProcessors())
    }

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads), expected 1 to 1024")
        }
    }
}
