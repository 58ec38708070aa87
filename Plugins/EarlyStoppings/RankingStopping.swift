import ErrataCore

/// Stops where the ranking of the candidates that learn has stayed the same on every edge for a number of epochs (Liang
/// et al., 2019, DARTS+, criterion 2).
public struct RankingStopping: EarlyStopping, Configuration, Hashable {
    /// How many epochs the ranking stays before the search ends.
    public var epochs = 10

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "epochs", \.epochs, "how many epochs the order stays the same before the search ends",
                .atLeast(1))
        ]
    }

    public func validate(_ start: SearchEpoch) throws {
        guard start.rankings.contains(where: { $0.count > 1 }) else {
            throw SettingError(
                "search.early_stopping",
                "no edge of the search space has two candidates that learn, and an order that could settle")
        }
    }

    public func verdict(on epoch: SearchEpoch, _ memory: inout Memory) throws -> StoppingVerdict? {
        let ranking = epoch.rankings.flatMap { $0.map(Double.init) }
        let stayed = memory["ranking"] == ranking ? memory["stayed"][0] + 1 : 0
        (memory["ranking"], memory["stayed"]) = (ranking, [stayed])
        guard stayed >= Double(epochs) else { return nil }
        return StoppingVerdict(
            epoch: epoch.number, reason: "the order of the candidates has stayed for \(epochs) epochs")
    }
}
