/// Starts commands that run for long, and says how they ended: as processes of this machine, as jobs of a cluster.
public protocol Launcher: Sendable {
    /// Starts a command and returns at once.
    ///
    /// - Throws: if it cannot be started.
    func launch(_ command: LaunchCommand) throws -> any LaunchedCommand
}

/// What a launcher is to start.
public struct LaunchCommand: Sendable {
    /// For people: a job's name.
    public let name: String
    /// The program's absolute path, and what follows it.
    public let program: String
    public let arguments: [String]
    /// The file to which standard output and standard error are appended.
    public let output: String
    /// How many threads the command uses.
    public let threads: Int

    public init(name: String, program: String, arguments: [String], output: String, threads: Int) {
        self.name = name
        self.program = program
        self.arguments = arguments
        self.output = output
        self.threads = threads
    }
}

/// A command that was started.
public protocol LaunchedCommand: AnyObject {
    /// The exit status, 128 and the number of a signal that ended it; `nil` while it runs.
    var status: Int32? { get }
    /// Asks it to end by SIGTERM or the like: it writes a checkpoint first.
    func interrupt()
}
