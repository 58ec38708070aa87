import Foundation

/// Where a run says how it is getting on.
public protocol ProgressReporter: AnyObject {
    /// After each step.
    func report(_ progress: RunProgress)
    /// A line of news: an epoch's end, a resumption.
    func say(_ line: String)
}

/// How far a run has come.
public struct RunProgress: Sendable {
    /// `search` or `evaluate`.
    public var phase: String
    public var epoch: Int
    public var epochs: Int
    /// Steps taken of the whole run, and how many there are.
    public var step: Int
    public var steps: Int
    /// Steps taken since this process began, and in how many seconds.
    public var stepsHere: Int
    public var seconds: Double
    /// Names and values to show.
    public var values: [(String, Double)]
}

/// How a run ended.
public enum RunOutcome<Result: Sendable>: Sendable {
    case finished(Result)
    /// By a signal; the checkpoint holds everything up to the step.
    case interrupted(signal: String, step: Int)
}

/// When to write a checkpoint between the ends of epochs.
struct CheckpointClock {
    private let interval: Duration
    private var last = ContinuousClock.now

    init(minutes: Double) { interval = .seconds(minutes * 60) }

    mutating func isDue() -> Bool {
        guard ContinuousClock.now - last >= interval else { return false }
        last = .now
        return true
    }
}

/// `73.87 %`.
package func percent(_ fraction: Double) -> String { String(format: "%.2f %%", fraction * 100) }

/// A loss as people read it.
func rounded(_ value: Double) -> String { String(format: "%.4f", value) }
