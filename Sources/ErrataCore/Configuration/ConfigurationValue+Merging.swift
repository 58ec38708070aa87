extension ConfigurationValue {
    /// This value, with what a mapping leaves out taken from another, mapping within mapping. All else replaces
    /// what it stands over, and so does a mapping that names another component. A component's name alone stands
    /// for a mapping with that name.
    ///
    /// - Parameters:
    ///   - base: what this value lies over.
    ///   - isRoot: whether this is a whole file, whose `name` names no component.
    public func merged(over base: ConfigurationValue, isRoot: Bool = false) -> ConfigurationValue {
        guard let entries, var merged = isRoot ? base.entries : base.entriesOfComponent else { return self }
        if !isRoot, let name = self["name"]?.text, let other = merged.first(where: { $0.key == "name" }),
            other.value.text != name
        {
            return self
        }
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

    private var entriesOfComponent: [Entry]? {
        guard case .scalar = content else { return entries }
        return [Entry("name", self, at: location)]
    }
}
