import ErrataCore

/// Lays settings over each other: a file over the one it extends, and `--set key.path=value` over both.
///
/// Mappings are merged, within each other too; all else replaces what it lies over. A mapping with another
/// `name` replaces a component's whole.
public enum SpecOverlay {
    /// How many files may extend each other.
    package static let extensionLimit = 16

    /// Reads a specification.
    ///
    /// - Parameters:
    ///   - path: a YAML file; its key `extends` names another, relative to it, that it is laid over.
    ///   - assignments: `key.path=value`, later ones over earlier ones.
    /// - Throws: `ConfigurationErrors` with what is wrong in a file or an assignment.
    public static func read(file path: String, setting assignments: [String] = []) throws(ConfigurationErrors)
        -> ConfigurationValue
    {
        var result = try read(path, extending: [])
        for assignment in assignments {
            result = try set(assignment, in: result)
        }
        return result
    }

    /// - Parameter assignment: `key.path=value`, the value in YAML.
    /// - Returns: the value with that key set. A component that is chosen by its name alone gets a setting.
    public static func set(_ assignment: String, in value: ConfigurationValue) throws(ConfigurationErrors)
        -> ConfigurationValue
    {
        let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let keys = parts[0].split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        let location = ConfigurationValue.Location("--set \(parts[0])")
        guard parts.count == 2, !keys.contains("") else {
            throw ConfigurationErrors(
                "expected key.path=value, found \(assignment.quotedForMessage)", at: .init("--set"))
        }
        guard keys.count < YAMLReader.depthLimit else {
            throw ConfigurationErrors("more than \(YAMLReader.depthLimit) levels", at: .init("--set"))
        }
        let given = try YAMLReader.read(String(parts[1]), source: location.source, at: location)
        return assign(given, to: keys[...], in: value, at: location)
    }

    private static func assign(
        _ given: ConfigurationValue, to keys: ArraySlice<String>, in value: ConfigurationValue?,
        at location: ConfigurationValue.Location
    ) -> ConfigurationValue {
        guard let key = keys.first else { return given }
        var entries: [ConfigurationValue.Entry]
        switch value?.content {
        case .mapping(let present): entries = present
        case .scalar: entries = [.init("name", value ?? .null, at: value?.location ?? location)]
        case .null, .sequence, nil: entries = []
        }
        let inner = assign(given, to: keys.dropFirst(), in: value?[key], at: location)
        if let index = entries.firstIndex(where: { $0.key == key }) {
            entries[index].value = inner
        } else {
            entries.append(.init(key, inner, at: location))
        }
        return ConfigurationValue(.mapping(entries), at: value?.location ?? location)
    }

    private static func read(_ path: String, extending files: [(path: String, identity: String)])
        throws(ConfigurationErrors) -> ConfigurationValue
    {
        let value = try YAMLReader.read(file: path)
        guard let entries = value.entries, let index = entries.firstIndex(where: { $0.key == "extends" })
        else {
            return value
        }
        let extends = entries[index].value
        guard let base = extends.text, !base.isEmpty else {
            throw ConfigurationErrors(
                "expected a file's path, found \(extends.summary)", path: "extends", at: extends.location)
        }
        let chain = files + [(path, canonicalPath(path) ?? path)]
        let basePath = base.hasPrefix("/") || !path.contains("/") ? base : "\(directory(of: path))/\(base)"
        guard let identity = canonicalPath(basePath) else {
            throw ConfigurationErrors(
                "there is no file \(basePath.quotedForMessage)", path: "extends", at: extends.location)
        }
        guard !chain.contains(where: { $0.identity == identity }) else {
            let names = (chain.map(\.path) + [basePath]).joined(separator: " → ")
            throw ConfigurationErrors(
                "files extend each other in a circle: \(names)", path: "extends", at: extends.location)
        }
        guard chain.count < extensionLimit else {
            throw ConfigurationErrors(
                "more than \(extensionLimit) files extend each other", path: "extends", at: extends.location)
        }
        var own = entries
        own.remove(at: index)
        return ConfigurationValue(.mapping(own), at: value.location)
            .merged(over: try read(basePath, extending: chain), isRoot: true)
    }
}
