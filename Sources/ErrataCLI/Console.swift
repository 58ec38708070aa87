import ArgumentParser
import ErrataCore
import Experiments
import Foundation

/// Lines on standard output and standard error. What would move the cursor is shown escaped: texts come from files.
enum Console {
    /// - Throws: `FileError` if standard output is closed or its disk is full.
    static func line(_ text: String) throws {
        guard write("\(escaped(text))\n", to: STDOUT_FILENO) else {
            throw FileError.system("standard output", "cannot be written")
        }
    }

    /// A line on standard error; where that cannot be written, nobody can be told.
    static func error(_ text: String) { _ = write("\(escaped(text))\n", to: STDERR_FILENO) }

    /// What moves the cursor, on standard error.
    static func raw(_ text: String) { _ = write(text, to: STDERR_FILENO) }

    /// Line breaks stay.
    fileprivate static func escaped(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { String($0).escaped }
            .joined(separator: "\n")
    }

    fileprivate static func write(_ text: String, to descriptor: Int32) -> Bool {
        Array(text.utf8).withUnsafeBytes { writeAll($0, to: descriptor) }
    }

    /// A table with columns as wide as their widest cell.
    static func table(_ rows: [[String]], indent: Int = 2) throws {
        let rows = rows.map { $0.map(\.escaped) }
        let widths = rows.reduce(into: [Int]()) { widths, row in
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.count)
            }
        }
        for row in rows {
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            let text = cells.dropLast() + row.suffix(1)
            try line(String(repeating: " ", count: indent) + text.joined(separator: "  "))
        }
    }

    /// The genotype, what was measured of the classes, and the pictures of a search that has ended.
    static func show(_ result: SearchResult, of directory: RunDirectory, in space: any SearchSpace) throws {
        let origin = result.accuracy.map { "epoch \(result.epoch), validation accuracy \(percent($0))" }
        try line("genotype (\(origin ?? "as A begins")):")
        try line("  \(space.readGenotype(result.genotype))")
        if !result.classMetrics.isEmpty {
            try line("by class, means of the last epoch:")
            try table(
                [["class"] + result.classMetrics.map(\.name)]
                    + result.classNames.enumerated().map { index, name in
                        [name]
                            + result.classMetrics.map { metric in
                                metric.values[index].map { String(format: "%.4f", $0) } ?? "-"
                            }
                    })
        }
        try line("pictures:")
        for picture in result.pictures { try line("  \(directory.path)/\(picture)") }
    }

    /// Says how to go on after a signal.
    ///
    /// - Returns: the status to end with.
    static func interrupted(by signal: String, after step: Int) -> ExitCode {
        let arguments = CommandLine.arguments
        let command = arguments + (arguments.contains("--resume") ? [] : ["--resume"])
        error(
            "\(signal): stopped after step \(step), which the checkpoint holds. Go on with\n"
                + "  \(command.map(shellWord).joined(separator: " "))")
        return ExitCode(Interruption.exitStatus(after: signal))
    }

    /// A word as a POSIX shell reads it back.
    static func shellWord(_ text: String) -> String {
        let plain = text.utf8.allSatisfy {
            switch $0 {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
            case UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...: true
            default: "/._-=+:,@%".utf8.contains($0)
            }
        }
        if plain, !text.isEmpty { return text }
        return "'\(text.replacingOccurrences(of: "'", with: "'\\''"))'"
    }
}

/// Progress on standard error: a bar that is redrawn on a terminal, now and then a line elsewhere.
final class ProgressBar: ProgressReporter {
    private let isTerminal = isatty(STDERR_FILENO) == 1 && ProgressBar.environment("TERM") != "dumb"
    private let isUnicode =
        ["LC_ALL", "LC_CTYPE", "LANG"].map(ProgressBar.environment).first { !$0.isEmpty }
        .map { $0.uppercased().hasSuffix("UTF-8") || $0.uppercased().hasSuffix("UTF8") } ?? false
    private var lastShown: ContinuousClock.Instant?
    private var barIsDrawn = false

    func report(_ progress: RunProgress) {
        let now = ContinuousClock.now
        let interval = Duration.milliseconds(isTerminal ? 100 : 15_000)
        let isLast = progress.step == progress.steps
        if let lastShown, now - lastShown < interval, !isLast { return }
        lastShown = now
        let rate = Double(progress.stepsHere) / max(progress.seconds, 1e-9)
        let left = Double(progress.steps - progress.step) / max(rate, 1e-9)
        let values = progress.values.map { "\($0.0) \(String(format: "%.3f", $0.1))" }.joined(separator: " ")
        // What matters most comes first: the end is cut on a narrow terminal.
        let text =
            "\(progress.phase) \(speed(rate)) \(duration(left)) left epoch \(progress.epoch)/\(progress.epochs) "
            + "step \(progress.step)/\(progress.steps) \(values)".escaped
        if isTerminal {
            write("\r\u{1B}[K\(fitted(text, after: bar(Double(progress.step) / Double(progress.steps))))")
            barIsDrawn = true
        } else {
            write("\(text)\n")
        }
    }

    func say(_ line: String) {
        write((barIsDrawn ? "\r\u{1B}[K" : "") + "\(Console.escaped(line))\n")
        barIsDrawn = false
    }

    /// Does work that reports here, and ends the bar's line, however the work ends.
    func during<Result>(_ work: () throws -> Result) rethrows -> Result {
        defer {
            if barIsDrawn { write("\n") }
            barIsDrawn = false
        }
        return try work()
    }

    /// Progress that cannot be written is no reason to end a run.
    private func write(_ text: String) { _ = Console.write(text, to: STDERR_FILENO) }

    private static func environment(_ name: String) -> String {
        ProcessInfo.processInfo.environment[name] ?? ""
    }

    private func bar(_ fraction: Double) -> String {
        let filled = Int((fraction * 20).rounded(.down))
        let (full, empty) = isUnicode ? ("█", "·") : ("#", ".")
        return "[" + String(repeating: full, count: filled) + String(repeating: empty, count: 20 - filled)
            + "]"
    }

    private func speed(_ rate: Double) -> String {
        rate >= 1 ? String(format: "%.1f steps/s", rate) : String(format: "%.1f s/step", 1 / max(rate, 1e-9))
    }

    /// On a narrow terminal the end of a line is cut, and on a very narrow one the bar left out, so that all
    /// stays on one line.
    private func fitted(_ text: String, after bar: String) -> String {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return "\(bar) \(text)"
        }
        let width = Int(size.ws_col) - 1
        return String((width < 2 * bar.count ? text : "\(bar) \(text)").prefix(width))
    }
}

/// Seconds as `1 h 02 min`, `3 min 04 s` or `5 s`.
func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e8 else { return "?" }
    let total = Int(seconds.rounded())
    if total >= 3600 { return String(format: "%d h %02d min", total / 3600, total % 3600 / 60) }
    if total >= 60 { return String(format: "%d min %02d s", total / 60, total % 60) }
    return "\(total) s"
}
