import ErrataCore

/// Stops where a genotype has too many skip connections: two or more in one normal cell (Liang et al., 2019, DARTS+,
/// criterion 1). The genotype is that of the epoch at which it stops.
public struct SkipConnectionStopping: EarlyStopping, Configuration, Hashable {
    /// The sign of the space that is looked at.
    public var sign = "skips_normal"
    /// From how many on the search ends.
    public var count = 2

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("sign", \.sign, "the sign that counts them, a column of epochs.csv", .notEmpty),
            .init("count", \.count, "from how many on the search ends", .atLeast(1)),
        ]
    }

    public func validate(_ start: SearchEpoch) throws {
        let names = start.signs.keys.sorted()
        guard !names.contains(sign) else { return }
        let meant = suggestion(for: sign, among: names).map { ", did you mean '\($0)'?" } ?? ""
        throw SettingError(
            "search.early_stopping.sign",
            "the search space tells nothing called \(sign.quotedForMessage)\(meant) (it tells "
                + "\(names.isEmpty ? "nothing" : names.joined(separator: ", ")))")
    }

    public func verdict(on epoch: SearchEpoch, _ memory: inout Memory) throws -> StoppingVerdict? {
        guard let found = epoch.signs[sign], found >= Double(count) else { return nil }
        return StoppingVerdict(epoch: epoch.number, reason: "\(sign) is \(Int(found)), \(count) end it")
    }
}
