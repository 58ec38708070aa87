import Synchronization
import TensorEngine

/// What batch norm normalises by.
public enum NormalizationMode: Sendable, Hashable {
    /// The batch's own statistics.
    case batch
    /// The running estimates, as constants.
    case running
}

/// Everything a model's forward pass depends on besides its input: the values it is applied with, the mode,
/// and the random numbers it may draw.
public struct ForwardContext: Sendable {
    public internal(set) var state: ModelState
    public var normalization: NormalizationMode
    /// Whether dropout and drop path are active, and at what rate the latter drops.
    public var dropPathRate: Double
    public var random: RandomStream
    /// Where batch moments go for the running estimates; nothing is recorded where absent.
    public var recorder: StatisticsRecorder?
    /// Whether a model's `Checkpointed` parts are run again for each gradient instead of being kept: one part's
    /// graph at a time, for the price of another forward pass, and of another gradient in second derivatives.
    public var checkpointing: Bool

    public init(
        _ state: ModelState, normalization: NormalizationMode = .batch, dropPathRate: Double = 0,
        random: RandomStream = RandomStream(seed: 0), recorder: StatisticsRecorder? = nil,
        checkpointing: Bool = false
    ) {
        self.state = state
        self.normalization = normalization
        self.dropPathRate = dropPathRate
        self.random = random
        self.recorder = recorder
        self.checkpointing = checkpointing
    }

    /// The value of a parameter in this pass.
    public subscript(parameter: Parameter) -> Tensor { state.parameters[parameter.index] }
    /// The running statistic before this pass.
    public subscript(statistic: Statistic) -> Tensor { state.statistics[statistic.index] }
}

/// Collects what one forward pass would change in the running statistics. Recording twice records once, so a
/// recomputed pass changes nothing.
public final class StatisticsRecorder: Sendable {
    private let updates = Mutex<[Statistic: Tensor]>([:])

    public init() {}

    func record(_ statistic: Statistic, _ value: Tensor) {
        updates.withLock { $0[statistic] = value.detached }
    }

    /// The statistics with what was recorded in place.
    public func updated(_ statistics: [Tensor]) -> [Tensor] {
        updates.withLock { updates in
            var result = statistics
            for (statistic, value) in updates { result[statistic.index] = value }
            return result
        }
    }
}
