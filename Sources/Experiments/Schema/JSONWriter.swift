import ErrataCore

/// Writes values as JSON (RFC 8259), keys in their order.
public enum JSONWriter {
    /// - Parameter value: its literals are numbers or truth values as Errata writes them.
    public static func text(_ value: ConfigurationValue, indent: Int = 0) -> String {
        let (inner, outer) = (margin(indent + 1), margin(indent))
        switch value.content {
        case .null: return "null"
        case .scalar(let text, quoted: false): return text
        case .scalar(let text, quoted: true): return quoted(text)
        case .sequence(let values):
            let parts = values.map { text($0, indent: indent + 1) }
            let line = "[\(parts.joined(separator: ", "))]"
            if line.count < 80, !line.contains("\n") { return line }
            return "[\n" + parts.map { inner + $0 }.joined(separator: ",\n") + "\n\(outer)]"
        case .mapping(let entries):
            if entries.isEmpty { return "{}" }
            let parts = entries.map { "\(inner)\(quoted($0.key)): \(text($0.value, indent: indent + 1))" }
            return "{\n" + parts.joined(separator: ",\n") + "\n\(outer)}"
        }
    }

    private static func margin(_ indent: Int) -> String { String(repeating: "  ", count: indent) }

    private static func quoted(_ text: String) -> String {
        let escaped = text.unicodeScalars.map { scalar in
            switch scalar {
            case "\"", "\\": "\\\(scalar)"
            case "\n": "\\n"
            case _ where scalar.value < 0x20:
                "\\u" + String(repeating: "0", count: scalar.value < 16 ? 3 : 2)
                    + String(scalar.value, radix: 16)
            default: "\(scalar)"
            }
        }
        return "\"\(escaped.joined())\""
    }
}
