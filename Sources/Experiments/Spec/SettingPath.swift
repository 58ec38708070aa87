import ErrataCore

/// The keys that lead to a setting, joined by points: `method.steps`.
struct SettingPath {
    let keys: [String]

    /// - Returns: nil if a key is empty, or there are more than YAML may nest.
    init?(_ text: String) {
        keys = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        if keys.contains("") || keys.count >= YAMLReader.depthLimit { return nil }
    }

    /// A mapping within mappings, in which the setting has a value.
    func nesting(_ value: ConfigurationValue, at location: ConfigurationValue.Location) -> ConfigurationValue
    {
        keys.reversed().reduce(value) { value, key in
            ConfigurationValue(.mapping([.init(key, value, at: location)]), at: location)
        }
    }
}

extension ConfigurationValue {
    /// The value that stands at a path, if there is one.
    subscript(path: SettingPath) -> ConfigurationValue? {
        path.keys.reduce(self as ConfigurationValue?) { $0?[$1] }
    }

    /// This value without what stands at a path, and without the mappings that are empty then.
    func removing(_ keys: ArraySlice<String>) -> ConfigurationValue {
        guard let key = keys.first, let entries else { return self }
        let rest = entries.compactMap { entry -> Entry? in
            guard entry.key == key else { return entry }
            guard keys.count > 1 else { return nil }
            let inner = entry.value.removing(keys.dropFirst())
            return inner.entries?.isEmpty == true ? nil : Entry(key, inner, at: entry.location)
        }
        return ConfigurationValue(.mapping(rest), at: location)
    }
}
