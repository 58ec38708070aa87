import Datasets
import Foundation

/// Processes of this machine, each in a process group of its own, so that Ctrl-C reaches who launched them alone.
struct LocalLauncher: Launcher {
    func launch(_ command: LaunchCommand) throws -> any LaunchedCommand { try LocalProcess(command) }
}

private final class LocalProcess: LaunchedCommand {
    private let process = Process()

    init(_ command: LaunchCommand) throws {
        let descriptor = open(command.output, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileError.system(command.output, "cannot be opened") }
        let output = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        process.executableURL = URL(filePath: command.program)
        process.arguments = command.arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = output
        process.standardError = output
        try process.run()
    }

    var status: Int32? {
        guard !process.isRunning else { return nil }
        return process.terminationReason == .uncaughtSignal
            ? 128 + process.terminationStatus : process.terminationStatus
    }

    func interrupt() { process.terminate() }
}
