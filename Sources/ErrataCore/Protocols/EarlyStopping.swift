/// Ends a search before its last epoch, by signs that it collapses or has settled.
///
/// It looks at the end of each epoch in which A has stepped, in the last stage of the space.
public protocol EarlyStopping: Sendable {
    /// Whether it looks at the dominant eigenvalue of ∇²_A L_val, which costs second derivatives at each epoch's end;
    /// it does not by default.
    var needsHessianEigenvalue: Bool { get }

    /// Checks, before the first step, that a search tells what the rule looks at.
    ///
    /// - Parameter start: what is told of A as it begins, but for the eigenvalue.
    /// - Throws: `SettingError` if something is missing.
    func validate(_ start: SearchEpoch) throws

    /// Looks at an epoch.
    ///
    /// - Parameters:
    ///   - epoch: that has just ended.
    ///   - memory: what the rule remembers of the epochs before; empty at first, kept in checkpoints.
    /// - Returns: nil for the search to go on.
    func verdict(on epoch: SearchEpoch, _ memory: inout Memory) throws -> StoppingVerdict?
}

extension EarlyStopping {
    public var needsHessianEigenvalue: Bool { false }
    public func validate(_ start: SearchEpoch) throws {}
}

/// What an early stopping is told of an epoch.
public struct SearchEpoch: Sendable, Hashable {
    /// Of the whole search, from 1.
    public var number: Int
    /// As of `SearchSpace.signs(of:)`.
    public var signs: [String: Double]
    /// As of `SearchSpace.rankings(of:)`.
    public var rankings: [[Int]]
    /// Where it is asked for.
    public var hessianEigenvalue: Double?

    public init(
        number: Int, signs: [String: Double] = [:], rankings: [[Int]] = [], hessianEigenvalue: Double? = nil
    ) {
        self.number = number
        self.signs = signs
        self.rankings = rankings
        self.hessianEigenvalue = hessianEigenvalue
    }
}

/// That a search ends, and with what.
public struct StoppingVerdict: Sendable, Hashable {
    /// The epoch whose genotype is the search's result, from 1: one that the rule has looked at.
    public var epoch: Int
    /// One line: what was seen.
    public var reason: String

    public init(epoch: Int, reason: String) {
        self.epoch = epoch
        self.reason = reason
    }
}
