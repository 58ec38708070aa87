/// Comma-separated values by RFC 4180.
enum CSV {
    static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\n" }

    /// Takes a row off, as fields that are still quoted; `nil` where no whole one is left.
    static func nextRow(_ rest: inout ArraySlice<UInt8>) -> [ArraySlice<UInt8>]? {
        var fields: [ArraySlice<UInt8>] = []
        var (start, isQuoted) = (rest.startIndex, false)
        for index in rest.indices {
            switch rest[index] {
            case UInt8(ascii: "\""): isQuoted.toggle()
            case UInt8(ascii: ",") where !isQuoted:
                fields.append(rest[start..<index])
                start = index + 1
            case UInt8(ascii: "\n") where !isQuoted:
                fields.append(rest[start..<index])
                rest = rest[(index + 1)...]
                return fields
            default: break
            }
        }
        return nil
    }

    static func text(_ field: ArraySlice<UInt8>) -> String {
        let text = String(decoding: field, as: UTF8.self)
        guard text.hasPrefix("\"") else { return text }
        return text.dropFirst().dropLast().replacingOccurrences(of: "\"\"", with: "\"")
    }

    private static func quoted(_ field: String) -> String {
        guard field.utf8.contains(where: { ",\"\r\n".utf8.contains($0) }) else { return field }
        return "\"\(field.replacingOccurrences(of: "\"", with: "\"\""))\""
    }
}
