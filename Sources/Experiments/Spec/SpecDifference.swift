import ErrataCore

extension ExperimentSpec {
    /// The settings that decide no bit of a search, and those that decide none of an evaluation: what a run that
    /// goes on may change.
    static func free(in kind: RunKind) -> Set<String> {
        switch kind {
        case .search:
            ["name", "evaluation", "data.test_limit", "search.sample_columns", "search.checkpoint_minutes"]
        case .evaluation:
            [
                "name", "method", "generator", "weighter", "hypergradient", "optimizers", "search",
                "data.training_fraction", "data.split", "evaluation.checkpoint_minutes",
            ]
        }
    }

    /// The settings that decide the bits of a run.
    func deciding(_ kind: RunKind) -> ConfigurationValue {
        Self.free(in: kind).reduce(encoded) { $0.removing($1.split(separator: ".").map(String.init)[...]) }
    }

    /// The first setting in which two specs differ, as a sentence; `nil` if none decides another result.
    ///
    /// - Parameter old: what a run was started with.
    func difference(from old: ExperimentSpec, in kind: RunKind) -> String? {
        specDifference(encoded, old.encoded, ignoring: Self.free(in: kind)).map { found in
            found.path == "search.epochs" || found.path == "evaluation.epochs"
                ? "\(found.sentence). Learning rates decay over all epochs, so that more of them are another run: "
                    + "begin it in another directory"
                : found.sentence
        }
    }
}

/// The first setting in which two values differ.
private func specDifference(
    _ new: ConfigurationValue, _ old: ConfigurationValue, ignoring free: Set<String>, at path: String = ""
) -> (path: String, sentence: String)? {
    guard let newEntries = new.entries, let oldEntries = old.entries else {
        let (now, then) = (YAMLWriter.text(new), YAMLWriter.text(old))
        guard now != then else { return nil }
        func line(_ text: String) -> String { text.split(separator: "\n").joined(separator: " ") }
        return (path, "\(path) was \(line(then)), is now \(line(now))")
    }
    func inner(_ key: String) -> String { path.isEmpty ? key : "\(path).\(key)" }
    for entry in newEntries where !free.contains(inner(entry.key)) {
        let path = inner(entry.key)
        guard let other = old[entry.key] else { return (path, "\(path) is new") }
        if let found = specDifference(entry.value, other, ignoring: free, at: path) { return found }
    }
    return oldEntries.first { new[$0.key] == nil && !free.contains(inner($0.key)) }
        .map { (inner($0.key), "\(inner($0.key)) is gone") }
}
