import Dispatch
import Foundation

/// Pictures of graphs, drawn by Graphviz's `dot` where it is installed.
package enum GraphvizDrawing {
    /// Draws a DOT file as SVG.
    ///
    /// - Parameters:
    ///   - tool: the program, by default the `dot` that PATH finds.
    ///   - timeout: in seconds, after which the program is killed.
    /// - Returns: what kept it from being drawn, or `nil` if it was. A picture is there whole or not at all.
    package static func svg(
        of source: String, to target: String, tool: String? = installed, timeout: Double = 20
    ) -> String? {
        guard let tool else { return "\(source) is not drawn: Graphviz's dot is not in PATH" }
        let unfinished = "\(target).part"
        defer { unlink(unfinished) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: tool)
        process.arguments = ["-Tsvg", "-o", unfinished, source]
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        let ended = DispatchSemaphore(value: 0)
        process.terminationHandler = { _ in ended.signal() }
        do {
            try process.run()
        } catch {
            return "\(source) is not drawn: \(tool) cannot be run: \(error.localizedDescription)"
        }
        guard ended.wait(timeout: .now() + timeout) == .success else {
            kill(process.processIdentifier, SIGKILL)
            ended.wait()
            return "\(source) is not drawn: \(tool) took longer than \(timeout) seconds"
        }
        guard process.terminationReason == .exit, process.terminationStatus == 0 else {
            return "\(source) is not drawn: \(tool) failed with status \(process.terminationStatus)"
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
}
