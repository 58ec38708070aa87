import Datasets
import ErrataCore

/// Reads YAML 1.2 into located values, by libyaml's events.
///
/// One document, at most 1 MiB, 64 levels and 100,000 values, those that aliases repeat included. Keys are
/// texts, all different; `<<` merges mappings in, beneath what a mapping says itself. Tags other than the core
/// schema's are refused.
public struct YAMLReader: Sendable {
    package static let sizeLimit = 1 << 20
    package static let depthLimit = 64
    package static let valueLimit = 100_000

    /// - Parameters:
    ///   - text: one YAML document.
    ///   - source: what locations name, such as the file's path.
    ///   - location: where everything is said to stand, for a text that is no file.
    /// - Returns: the document; null where there is none.
    /// - Throws: `ConfigurationErrors` with the line and column of what is wrong.
    public static func read(
        _ text: String, source: String, at location: ConfigurationValue.Location? = nil
    ) throws(ConfigurationErrors) -> ConfigurationValue {
        try read(Array(text.utf8), source: source, at: location)
    }

    /// - Throws: `ConfigurationErrors` if the file cannot be read, or with what is wrong in it.
    public static func read(file path: String) throws(ConfigurationErrors) -> ConfigurationValue {
        let bytes: [UInt8]
        do {
            bytes = try RegularFile.contents(of: path) { _, size in
                guard size <= sizeLimit else { throw FileError(path, tooLarge) }
            }
        } catch {
            throw ConfigurationErrors((error as? FileError)?.reason ?? "\(error)", at: .init(path))
        }
        return try read(bytes, source: path)
    }

    package static func read(
        _ bytes: [UInt8], source: String, at location: ConfigurationValue.Location? = nil
    ) throws(ConfigurationErrors) -> ConfigurationValue {
        guard bytes.count <= sizeLimit else {
            throw ConfigurationErrors(tooLarge, at: location ?? .init(source))
        }
        let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
        let input = bytes.starts(with: byteOrderMark) ? Array(bytes.dropFirst(3)) : bytes
        let events = YAMLEvents(input, source: source, fixedLocation: location)
        var composer = YAMLComposer(events)
        return try composer.document()
    }

    private static let tooLarge = "larger than 1 MiB"
}
