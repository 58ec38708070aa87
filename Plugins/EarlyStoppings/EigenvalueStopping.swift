import ErrataCore

/// Stops where the dominant eigenvalue of ∇²_A L_val, smoothed over a window, has grown fast over the window, and goes
/// back to where the window began (Zela et al., 2020, R-DARTS, section 4.2: k = 5, and 0.75).
public struct EigenvalueStopping: EarlyStopping, Configuration, Hashable {
    /// k: the epochs of the mean, and those that the growth is measured over.
    public var window = 5
    /// The search ends where the mean of k epochs before is less than so much of today's.
    public var ratio = 0.75

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "window", \.window, "k: epochs of the mean, and between the two that are compared",
                .atLeast(1)),
            .init(
                "ratio", \.ratio, "ends where the mean k epochs before is less than so much of today's",
                .within(0..<1)),
        ]
    }

    public var needsHessianEigenvalue: Bool { true }

    public func verdict(on epoch: SearchEpoch, _ memory: inout Memory) throws -> StoppingVerdict? {
        guard let eigenvalue = epoch.hessianEigenvalue else { return nil }
        memory["eigenvalues"].append(eigenvalue)
        let values = memory["eigenvalues"]
        guard values.count >= 2 * window else { return nil }
        let (before, now) = (mean(of: values.dropLast(window)), mean(of: values[...]))
        guard now > 0, before / now < ratio else { return nil }
        return StoppingVerdict(
            epoch: epoch.number - window,
            reason: "the dominant eigenvalue's mean has grown from \(before) to \(now) over \(window) epochs")
    }

    /// The mean of the last `window` values.
    private func mean(of values: ArraySlice<Double>) -> Double {
        values.suffix(window).reduce(0, +) / Double(window)
    }
}
