import ErrataCore
import TensorEngine

/// How long a run is.
public struct RunSize: Sendable {
    public let epochs: Int
    public let stepsPerEpoch: Int
    /// Of one step, measured before the run; `nil` where none was taken.
    public var secondsPerStep: Double?

    /// - Parameters:
    ///   - task: at its beginning.
    ///   - measuring: whether to take two steps, the second of which is timed.
    init(_ task: some RunTask, measuring: Bool) throws {
        var task = task
        (epochs, stepsPerEpoch) = (task.epochs, task.stepsPerEpoch)
        guard measuring, epochs > 0 else { return }
        _ = try task.takeStep()
        let start = ContinuousClock.now
        if epochs * stepsPerEpoch > 1 { _ = try task.takeStep() }
        secondsPerStep = (ContinuousClock.now - start) / .seconds(1)
    }
}

extension SweepPlan {
    /// Builds whatever is not finished, so that what only shows in building is found before anything runs. Runs that
    /// differ in their seeds alone are built once.
    ///
    /// - Parameters:
    ///   - library: what is finished there is not built.
    ///   - backend: what computes.
    ///   - measuring: whether to time steps.
    /// - Returns: how long each run is; none of those that are finished.
    /// - Throws: `RunError` with everything that cannot be built, and the trials' names.
    public func sizes(
        in library: RunLibrary, on backend: any Backend, measuring: Bool
    ) throws -> [RunIdentity: RunSize] {
        var sizes: [RunIdentity: RunSize] = [:]
        var known: [ConfigurationValue: (search: RunSize, evaluation: RunSize)] = [:]
        var failed: [ConfigurationValue: String] = [:]
        for run in runs where !library.isFinished(run.identity) {
            let key = run.family
            if known[key] == nil, failed[key] == nil {
                do {
                    let search = try SearchTask(run.experiment, on: backend)
                    known[key] = (
                        try RunSize(search, measuring: measuring),
                        try RunSize(search.evaluation(), measuring: measuring)
                    )
                } catch {
                    failed[key] = "\(run.trials[0]): \(error)"
                }
            }
            sizes[run.identity] = run.identity.kind == .search ? known[key]?.search : known[key]?.evaluation
        }
        guard failed.isEmpty else { throw RunError(failed.values.sorted().joined(separator: "\n")) }
        return sizes
    }
}
