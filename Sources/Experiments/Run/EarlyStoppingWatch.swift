import ErrataCore

/// An early stopping over a search's epochs, with all that it goes on from.
struct EarlyStoppingWatch: Sendable {
    let rule: any EarlyStopping
    private var memory = Memory()
    private var measured = Memory()
    private(set) var verdict: StoppingVerdict?

    /// - Parameters:
    ///   - rule: that looks at the epochs.
    ///   - start: what is told of A as it begins.
    /// - Throws: `SettingError` if what the rule looks at is not told.
    init(_ rule: any EarlyStopping, start: SearchEpoch) throws {
        try rule.validate(start)
        self.rule = rule
    }

    /// The validation accuracies of the epochs that it has looked at, by their number.
    var accuracies: [Int: Double] {
        Dictionary(uniqueKeysWithValues: zip(measured["epochs"].map { Int($0) }, measured["accuracies"]))
    }

    /// - Throws: `RunError` if the rule names an epoch that it has not looked at.
    mutating func look(at epoch: SearchEpoch, accuracy: Double) throws -> StoppingVerdict? {
        measured["epochs"].append(Double(epoch.number))
        measured["accuracies"].append(accuracy)
        verdict = try rule.verdict(on: epoch, &memory)
        if let verdict, accuracies[verdict.epoch] == nil {
            throw RunError("search.early_stopping names epoch \(verdict.epoch), which it has not looked at")
        }
        return verdict
    }

    func store(in archive: inout Archive) {
        archive.store(memory, at: "early_stopping/memory")
        archive.store(measured, at: "early_stopping/measured")
        guard let verdict else { return }
        archive[attribute: "early_stopping/epoch"] = .integer(verdict.epoch)
        archive[attribute: "early_stopping/reason"] = .text(verdict.reason)
    }

    /// - Throws: `ArchiveError` if what is there is damaged.
    mutating func restore(from archive: Archive) throws {
        memory = try archive.memory(at: "early_stopping/memory")
        measured = try archive.memory(at: "early_stopping/measured")
        guard archive[attribute: "early_stopping/epoch"] != nil else { return }
        verdict = StoppingVerdict(
            epoch: try archive.integer("early_stopping/epoch"),
            reason: try archive.text("early_stopping/reason"))
    }
}
