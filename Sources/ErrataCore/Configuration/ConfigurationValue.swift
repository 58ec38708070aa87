/// A piece of a configuration file: a tree that remembers where each part stands.
///
/// Two values are equal if they say the same, wherever they stand.
public struct ConfigurationValue: Sendable {
    public var content: Content
    public var location: Location

    public init(_ content: Content, at location: Location = .none) {
        self.content = content
        self.location = location
    }

    /// What YAML can say.
    public enum Content: Sendable, Hashable {
        case null
        /// - Parameter quoted: whether the text was quoted, and so is nothing but text; what is not quoted may
        ///   be a number or a truth value too.
        case scalar(String, quoted: Bool)
        case sequence([ConfigurationValue])
        /// Entries of different keys, in their order.
        case mapping([Entry])
    }

    /// A key and its value.
    public struct Entry: Sendable {
        public var key: String
        public var location: Location
        public var value: ConfigurationValue

        /// - Parameters:
        ///   - key: as the file has it.
        ///   - value: of the key.
        ///   - location: where the key stands.
        public init(_ key: String, _ value: ConfigurationValue, at location: Location = .none) {
            self.key = key
            self.value = value
            self.location = location
        }
    }

    /// A place in a file, or another source such as a command line option.
    public struct Location: Sendable, Hashable, CustomStringConvertible {
        public var source: String
        /// From 1; nil where a source has no lines.
        public var line: Int?
        /// In characters, from 1.
        public var column: Int?

        public init(_ source: String, line: Int? = nil, column: Int? = nil) {
            self.source = source
            self.line = line
            self.column = column
        }

        /// The place of what no source gave.
        public static let none = Location("")

        /// `source:line:column`.
        public var description: String {
            ([source] + [line, column].compactMap { $0.map(String.init) }).joined(separator: ":")
        }
    }
}

extension ConfigurationValue: Hashable {
    public static func == (one: Self, other: Self) -> Bool { one.content == other.content }
    public func hash(into hasher: inout Hasher) { hasher.combine(content) }
}

extension ConfigurationValue.Entry: Hashable {
    public static func == (one: Self, other: Self) -> Bool {
        one.key == other.key && one.value == other.value
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(key)
        hasher.combine(value)
    }
}

extension ConfigurationValue {
    public static let null = ConfigurationValue(.null)

    /// Text that is nothing but text.
    public static func string(_ text: String) -> Self { .init(.scalar(text, quoted: true)) }

    /// What is not text: a number or a truth value, as it is written.
    public static func literal(_ text: String) -> Self { .init(.scalar(text, quoted: false)) }

    public static func sequence(_ values: [ConfigurationValue]) -> Self { .init(.sequence(values)) }

    public static func mapping(_ entries: [Entry]) -> Self { .init(.mapping(entries)) }

    /// The entries, where this is a mapping.
    public var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// The text, where this is a scalar.
    public var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// The text where it may be more than text: a scalar that is not quoted.
    public var literal: String? {
        if case .scalar(let text, quoted: false) = content { text } else { nil }
    }

    /// The value of a key, where this is a mapping that has it.
    public subscript(key: String) -> ConfigurationValue? {
        entries?.first { $0.key == key }?.value
    }

    /// What stands here, for an error message.
    public var summary: String {
        switch content {
        case .null: "null"
        case .scalar(let text, quoted: false): text.quotedForMessage
        case .scalar(let text, quoted: true): "the text \(text.quotedForMessage)"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}

extension String {
    /// The text in quotes, as `shownInMessage`.
    public var quotedForMessage: String { "'\(shownInMessage)'" }

    /// The text on one line, without control characters, and not too long.
    package var shownInMessage: String {
        let scalars = unicodeScalars
        return String(scalars.prefix(60)).escaped + (scalars.count > 60 ? "…" : "")
    }

    /// The text on one line: characters that move the cursor, or cannot be seen, as Swift writes them.
    package var escaped: String {
        var shown = ""
        for scalar in unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                shown += scalar.escaped(asASCII: true)
            default: shown.unicodeScalars.append(scalar)
            }
        }
        return shown
    }
}
