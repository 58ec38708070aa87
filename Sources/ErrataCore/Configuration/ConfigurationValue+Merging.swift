extension ConfigurationValue {
    /// This value, with what a mapping leaves out taken from another, mapping within mapping. All else replaces
    /// what it stands over, and so does a mapping that names another component.
    ///
    /// - Parameter isRoot: whether this is a whole file, whose `name` names no component.
    public func merged(over base: ConfigurationValue, isRoot: Bool = false) -> ConfigurationValue {
        guard let entries, var merged = base.entries, isRoot || !names(another: base) else { return self }
        for entry in entries {
            if let index = merged.firstIndex(where: { $0.key == entry.key }) {
                merged[index] = Entry(
                    entry.key, entry.value.merged(over: merged[index].value), at: entry.location)
            } else {
                merged.append(entry)
            }
        }
        return ConfigurationValue(.mapping(merged), at: location)
    }

    /// Whether both name a component, and not the same.
    private func names(another base: ConfigurationValue) -> Bool {
        guard let name = self["name"]?.text, let other = base["name"]?.text else { return false }
        return name != other
    }
}
