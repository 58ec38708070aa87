import Foundation

/// Pictures of graphs, drawn by Graphviz's `dot` where it is installed.
package enum GraphvizDrawing {
    /// Draws a DOT file as SVG.
    ///
    /// - Parameters:
    ///   - tool: the program, by default the `dot` that PATH finds.
    ///   - timeout: in seconds, after which the program is killed, and what it has started.
    /// - Returns: what kept it from being drawn, or `nil` if it was. A picture is there whole or not at all.
    package static func svg(
        of source: String, to target: String, tool: String? = installed, timeout: Double = 20
    ) -> String? {
        guard let tool else { return "\(source) is not drawn: Graphviz's dot is not in PATH" }
        let unfinished = "\(target).part"
        defer { unlink(unfinished) }
        let process: pid_t
        switch start(tool, ["-Tsvg", "-o", unfinished, source]) {
        case .success(let started): process = started
        case .failure(let error): return "\(source) is not drawn: \(error)"
        }
        let hasEnded = waits(for: process, atMost: timeout)
        // Its group is there until it is waited for, ended or not.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0 && errno == EINTR {}
        guard hasEnded else { return "\(source) is not drawn: \(tool) took longer than \(timeout) seconds" }
        // Its low bits are the signal that ended it, those above the status.
        guard status == 0 else {
            let reason = status & 0x7F == 0 ? "status \(status >> 8 & 0xFF)" : "signal \(status & 0x7F)"
            return "\(source) is not drawn: \(tool) failed with \(reason)"
        }
        guard rename(unfinished, target) == 0 else {
            return FileError.system(target, "cannot be put in place").description
        }
        return nil
    }

    /// The `dot` that PATH finds.
    package static var installed: String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
            .map { "\($0)/dot" }
            .first { access($0, X_OK) == 0 }
    }

    /// Starts a program in a process group of its own, without input or output.
    ///
    /// Foundation's `Process` traps where no descriptor is left (6.3).
    private static func start(_ program: String, _ arguments: [String]) -> Result<pid_t, FileError> {
        var files = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&files)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&files)
            posix_spawnattr_destroy(&attributes)
        }
        for descriptor in STDIN_FILENO...STDERR_FILENO {
            posix_spawn_file_actions_addopen(&files, descriptor, "/dev/null", O_RDWR, 0)
        }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
        posix_spawnattr_setpgroup(&attributes, 0)
        let environment = ProcessInfo.processInfo.environment.map { "\($0)=\($1)" }
        var process: pid_t = 0
        let error = withCStrings([program] + arguments) { arguments in
            withCStrings(environment) { posix_spawn(&process, program, &files, &attributes, arguments, $0) }
        }
        guard error == 0 else {
            return .failure(FileError(program, "cannot be run: \(String(cString: strerror(error)))"))
        }
        return .success(process)
    }

    /// Whether a process ends within so many seconds. It is not waited for, so that its number stays its own.
    private static func waits(for process: pid_t, atMost seconds: Double) -> Bool {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            var info = siginfo_t()
            let found = waitid(P_PID, id_t(process), &info, WEXITED | WNOWAIT | WNOHANG)
            // An error says that it has ended and left no status, as where SIGCHLD is ignored.
            if found != 0 || info._sifields._sigchld.si_pid == process { return true }
            guard ContinuousClock.now < end else { return false }
            usleep(5_000)
        }
    }
}

/// Calls with an array of C strings, a null pointer after the last.
private func withCStrings<Result>(
    _ texts: [String], _ body: ([UnsafeMutablePointer<CChar>?]) -> Result
) -> Result {
    let copies = texts.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    return body(copies + [nil])
}
