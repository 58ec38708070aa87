import ArgumentParser
import CPUEngine
import ErrataCore
import Experiments
import Foundation
import TensorEngine

/// The command line as a library: a package with plugins of its own has all of it by
///
///     ErrataCLI.main(plugins: [DARTSPlugin(), MyGeneratorPlugin()], defaults: ComponentDefaults(…))
public enum ErrataCLI {
    /// Parses the command line, runs the command, and ends the process: 0 if all went well, 64 if the command
    /// line was wrong, 75 if another process has the run, 128 and a signal's number after an interruption, 1 otherwise.
    ///
    /// - Parameters:
    ///   - plugins: what can be chosen, beside what ships with the core.
    ///   - defaults: the components of a spec that names none.
    public static func main(plugins: [any Plugin], defaults: ComponentDefaults) -> Never {
        openStandardDescriptors()
        do {
            let components = Components(registry: try PluginRegistry(plugins), defaults: defaults)
            var command = try ErrataCommand.parseAsRoot()
            if let command = command as? any ComponentsCommand {
                try command.run(components)
            } else {
                try command.run()
            }
            exit(0)
        } catch let code as ExitCode {
            exit(code.rawValue)
        } catch let error as RunInUseError {
            Console.error("error: \(error)")
            exit(Sweep.inUseStatus)
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

/// What experiments can be made of.
struct Components {
    let registry: PluginRegistry
    let defaults: ComponentDefaults
}

/// A command that needs to know which components there are.
protocol ComponentsCommand: ParsableCommand {
    func run(_ components: Components) throws
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
            DataCommand.self, NewCommand.self, DoctorCommand.self, SchemaCommand.self,
            SweepCommand.self, RunsCommand.self, InspectCommand.self,
        ])
}

/// Options of every command that reads a spec.
struct SpecOptions: ParsableArguments {
    @Option(
        name: .customLong("set"), parsing: .singleValue,
        help: ArgumentHelp("Change a setting; may be repeated.", valueName: "key.path=value"))
    var assignments: [String] = []

    func experiment(_ path: String, _ components: Components) throws -> Experiment {
        try Experiment(
            SpecOverlay.read(file: path, setting: assignments), registry: components.registry,
            defaults: components.defaults)
    }
}

/// Options of every command that computes.
struct ComputeOptions: ParsableArguments {
    @Option(help: "What computes: cpu.")
    var device = Device.cpu

    @Option(
        help:
            "How many threads compute; by default as many as this process may use cores. No result depends on it."
    )
    var threads: Int?

    enum Device: String, ExpressibleByArgument, CaseIterable { case cpu }

    func backend() throws -> any Backend {
        switch device {
        case .cpu: try CPUBackend(threads: threads ?? availableProcessors())
        }
    }

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads \(threads), expected 1 to 1024")
        }
    }
}

/// Options of every command that runs something in a directory.
struct RunOptions: ParsableArguments {
    @Flag(help: "Go on from the directory's checkpoint, where there is one.")
    var resume = false

    @OptionGroup var compute: ComputeOptions

    /// Runs a task until it ends or a signal comes.
    ///
    /// - Parameters:
    ///   - title: what is run, for the first line.
    ///   - task: is made before anything is written.
    /// - Throws: the exit code after a signal; what the task throws.
    func carryOut<Task: RunTask>(
        _ title: String, in directory: RunDirectory, _ task: (any Backend) throws -> Task
    ) throws -> Task.Result {
        Interruption.install()
        let backend = try compute.backend()
        let progress = ProgressBar()
        progress.say("\(title) in \(directory.path): \(backend.summary)")
        let outcome = try progress.during {
            try Run(
                task(backend), in: directory, on: backend, resuming: resume, progress: progress
            ).run()
        }
        switch outcome {
        case .finished(let result): return result
        case .interrupted(let signal, let step): throw Console.interrupted(by: signal, after: step)
        }
    }
}
