import ErrataCore
import Foundation

/// Lays settings over each other: a file over those it extends, and `--set key.path=value` over all.
///
/// Mappings are merged, within each other too; all else replaces what it lies over. A mapping with another
/// `name` replaces a component's whole.
public enum SpecOverlay {
    /// How many files a file may extend, those that these extend included.
    package static let extensionLimit = 32

    /// Reads a specification.
    ///
    /// - Parameters:
    ///   - path: a YAML file; its key `extends` names another, or a list of others of which later ones lie over
    ///     earlier ones, all relative to it, that it is laid over.
    ///   - assignments: `key.path=value`, later ones over earlier ones.
    /// - Throws: `ConfigurationErrors` with what is wrong in a file or an assignment, or if a file has a matrix.
    public static func read(file path: String, setting assignments: [String] = []) throws(ConfigurationErrors)
        -> ConfigurationValue
    {
        let matrix = try ExperimentMatrix(file: path, setting: assignments)
        guard !matrix.isMatrix else {
            throw ConfigurationErrors(
                "it has a matrix of \(matrix.trials.count) trials: 'errata sweep' runs them, 'errata validate' shows "
                    + "them", path: "matrix", at: .init(path))
        }
        return matrix.trials[0].settings
    }

    /// A file, over those that it extends.
    static func files(_ path: String) throws(ConfigurationErrors) -> ConfigurationValue {
        var count = 0
        return try read(path, extending: [], count: &count)
    }

    /// What assignments say together, later ones over earlier ones; null where there are none.
    static func value(of assignments: [String]) throws(ConfigurationErrors) -> ConfigurationValue {
        var overlay = ConfigurationValue.null
        for assignment in assignments {
            overlay = try value(of: assignment).merged(over: overlay, isRoot: true)
        }
        return overlay
    }

    /// What `key.path=value`, the value in YAML, says: mappings within each other.
    private static func value(of assignment: String) throws(ConfigurationErrors) -> ConfigurationValue {
        let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        let location = ConfigurationValue.Location("--set \(parts[0])")
        guard parts.count == 2, let path = SettingPath(String(parts[0])) else {
            throw ConfigurationErrors(
                "expected key.path=value, found \(assignment.quotedForMessage)", at: .init("--set"))
        }
        let text = String(parts[1])
        let given = try YAMLReader.read(text, source: location.source, at: location)
        try requireNoComment(in: text, readAs: given)
        return path.nesting(given, at: location)
    }

    /// A shell takes quotes away, and YAML what follows `#` then.
    private static func requireNoComment(in text: String, readAs value: ConfigurationValue)
        throws(ConfigurationErrors)
    {
        let isScalar = value.content == .null || value.literal != nil
        guard isScalar, text.contains("#"), value.text != text.trimmingCharacters(in: .whitespaces) else {
            return
        }
        let quoted = "\"'\(text.replacingOccurrences(of: "'", with: "''"))'\""
        throw ConfigurationErrors(
            "what follows '#' is a comment in YAML; for a text, quote it twice: \(quoted.shownInMessage)",
            at: value.location)
    }

    private typealias Extending = (path: String, identity: String)

    /// - Parameter count: the files read so far.
    private static func read(_ path: String, extending files: [Extending], count: inout Int)
        throws(ConfigurationErrors) -> ConfigurationValue
    {
        let value = try YAMLReader.read(file: path)
        count += 1
        guard value.content == .null || value.entries != nil else {
            throw ConfigurationErrors(
                "expected a mapping of settings, found \(value.summary)", at: value.location)
        }
        guard let extends = value["extends"] else { return value }
        let bases = if case .sequence(let list) = extends.content { list } else { [extends] }
        let chain = files + [(path, canonicalPath(path) ?? path)]
        var result = ConfigurationValue.null
        for base in bases {
            let basePath = try self.path(of: base, in: chain)
            guard count <= extensionLimit else {
                throw ConfigurationErrors(
                    "more than \(extensionLimit) files extend each other", path: "extends", at: base.location)
            }
            result = try read(basePath, extending: chain, count: &count).merged(over: result, isRoot: true)
        }
        let own = value.entries?.filter { $0.key != "extends" } ?? []
        return ConfigurationValue(.mapping(own), at: value.location).merged(over: result, isRoot: true)
    }

    /// The file that the last of a chain extends.
    private static func path(of base: ConfigurationValue, in chain: [Extending]) throws(ConfigurationErrors)
        -> String
    {
        func failure(_ message: String) -> ConfigurationErrors {
            ConfigurationErrors(message, path: "extends", at: base.location)
        }
        guard let text = base.text, !text.isEmpty else {
            throw failure("expected a file's path, or a list of them, found \(base.summary)")
        }
        let file = chain[chain.count - 1].path
        let path = text.hasPrefix("/") || !file.contains("/") ? text : "\(directory(of: file))/\(text)"
        guard let identity = canonicalPath(path) else {
            throw failure("there is no file \(path.quotedForMessage)")
        }
        guard !chain.contains(where: { $0.identity == identity }) else {
            let names = (chain.map(\.path) + [path]).joined(separator: " → ")
            throw failure("files extend each other in a circle: \(names)")
        }
        return path
    }
}
