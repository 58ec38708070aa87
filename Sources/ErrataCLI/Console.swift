import Experiments
import Foundation

/// Lines on standard output and standard error.
enum Console {
    static func line(_ text: String) { FileHandle.standardOutput.write(Data("\(text)\n".utf8)) }
    static func error(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }

    /// A table with columns as wide as their widest cell.
    static func table(_ rows: [[String]], indent: Int = 2) {
        let widths = rows.reduce(into: [Int]()) { widths, row in
            for (index, cell) in row.enumerated() {
                if index == widths.count { widths.append(0) }
                widths[index] = max(widths[index], cell.count)
            }
        }
        for row in rows {
            let cells = row.enumerated().map { index, cell in
                index == row.count - 1
                    ? cell : cell.padding(toLength: widths[index], withPad: " ", startingAt: 0)
            }
            line(String(repeating: " ", count: indent) + cells.joined(separator: "  "))
        }
    }
}

/// Progress on standard error: a bar that is redrawn on a terminal, now and then a line elsewhere.
final class ProgressBar: ProgressReporter {
    private let isTerminal = isatty(STDERR_FILENO) == 1
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
        let text =
            "\(progress.phase) epoch \(progress.epoch)/\(progress.epochs) step \(progress.step)/\(progress.steps) "
            + "\(values) \(speed(rate)) \(duration(left)) left"
        if isTerminal {
            write(
                "\r\u{1B}[K\(bar(Double(progress.step) / Double(progress.steps))) \(fitted(text, less: 24))")
            barIsDrawn = true
        } else {
            write("\(text)\n")
        }
    }

    func say(_ line: String) {
        write((barIsDrawn ? "\r\u{1B}[K" : "") + "\(line)\n")
        barIsDrawn = false
    }

    /// Ends the bar's line.
    func close() {
        if barIsDrawn { write("\n") }
        barIsDrawn = false
    }

    private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }

    private func bar(_ fraction: Double) -> String {
        let filled = Int((fraction * 20).rounded(.down))
        return "[" + String(repeating: "█", count: filled) + String(repeating: "·", count: 20 - filled) + "]"
    }

    private func speed(_ rate: Double) -> String {
        rate >= 1 ? String(format: "%.1f steps/s", rate) : String(format: "%.1f s/step", 1 / max(rate, 1e-9))
    }

    /// On a narrow terminal the end of a line is cut, so that the bar stays on one.
    private func fitted(_ text: String, less: Int) -> String {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return text }
        return String(text.prefix(max(Int(size.ws_col) - less, 10)))
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
