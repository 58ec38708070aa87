import ErrataCore

/// The first setting in which two specs differ, as a sentence; `nil` if none decides another result.
func specDifference(_ new: ConfigurationValue, _ old: ConfigurationValue, at path: String = "") -> String? {
    guard let newEntries = new.entries, let oldEntries = old.entries else {
        let (now, then) = (YAMLWriter.text(new), YAMLWriter.text(old))
        guard now != then else { return nil }
        func line(_ text: String) -> String { text.split(separator: "\n").joined(separator: " ") }
        guard !path.isEmpty else { return "it is no mapping" }
        return "\(path) was \(line(then)), is now \(line(now))"
    }
    for entry in newEntries {
        let inner = path.isEmpty ? entry.key : "\(path).\(entry.key)"
        // How often checkpoints are written changes no result.
        if entry.key == "checkpoint_minutes" { continue }
        guard let other = old[entry.key] else { return "\(inner) is new" }
        if let found = specDifference(entry.value, other, at: inner) { return found }
    }
    return oldEntries.first { new[$0.key] == nil }
        .map { path.isEmpty ? "\($0.key) is gone" : "\(path).\($0.key) is gone" }
}
