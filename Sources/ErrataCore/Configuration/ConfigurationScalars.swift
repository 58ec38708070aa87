extension Int: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Int> {
        .init(
            "integer", expectation: "an integer",
            parse: { value in value.literal.flatMap { isInteger($0) ? Int($0) : nil } },
            encode: { .literal("\($0)") })
    }
}

extension Double: ConfigurationRepresentable {
    /// Finite numbers; `1e-3` is one too.
    public static var codec: ConfigurationCodec<Double> {
        .init(
            "number", expectation: "a number",
            parse: { value in
                guard let text = value.literal, isNumber(text), let number = Double(text), number.isFinite
                else { return nil }
                return number
            },
            encode: { .literal(written($0)) })
    }

    /// Swift's shortest text, with the point that YAML 1.1 asks of a number with an exponent.
    private static func written(_ number: Double) -> String {
        let text = "\(number)"
        guard let exponent = text.firstIndex(of: "e"), !text.contains(".") else { return text }
        return "\(text[..<exponent]).0\(text[exponent...])"
    }
}

extension Bool: ConfigurationRepresentable {
    /// `true` and `false`, or `on` and `off`.
    public static var codec: ConfigurationCodec<Bool> {
        .init(
            "boolean", expectation: "true, false, on or off",
            parse: { value in
                switch value.literal {
                case "true", "on": true
                case "false", "off": false
                default: nil
                }
            },
            encode: { .literal("\($0)") })
    }
}

extension String: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<String> {
        .init("text", expectation: "a text", parse: \.text, encode: { .string($0) })
    }
}

/// An enumeration whose cases' texts are what a setting may be.
public protocol ConfigurationChoice: ConfigurationRepresentable, CaseIterable, RawRepresentable
where RawValue == String {}

extension ConfigurationChoice {
    public static var codec: ConfigurationCodec<Self> {
        let choices = allCases.map(\.rawValue)
        return .init(
            choices.joined(separator: " | "), expectation: "one of \(choices.joined(separator: ", "))",
            read: { value, _, expectation, decoder in
                guard let text = value.text else {
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
                if let choice = Self(rawValue: text) { return choice }
                let meant = suggestion(for: text, among: choices).map { ", did you mean '\($0)'?" } ?? ""
                decoder.fail("expected \(expectation), found \(value.summary)\(meant)", at: value.location)
                return nil
            },
            encode: { .string($0.rawValue) })
    }
}

/// Digits with an optional sign; no leading zero, which some readers take for octal.
private func isInteger(_ text: String) -> Bool {
    var rest = text.utf8[...]
    skipSign(&rest)
    let hasLeadingZero = rest.count > 1 && rest.first == UInt8(ascii: "0")
    return skipDigits(&rest) > 0 && rest.isEmpty && !hasLeadingZero
}

/// Digits with an optional sign, point and exponent.
private func isNumber(_ text: String) -> Bool {
    var rest = text.utf8[...]
    skipSign(&rest)
    var digits = skipDigits(&rest)
    if rest.first == UInt8(ascii: ".") {
        rest.removeFirst()
        digits += skipDigits(&rest)
    }
    guard digits > 0 else { return false }
    if let letter = rest.first, letter == UInt8(ascii: "e") || letter == UInt8(ascii: "E") {
        rest.removeFirst()
        skipSign(&rest)
        guard skipDigits(&rest) > 0 else { return false }
    }
    return rest.isEmpty
}

private func skipSign(_ rest: inout Substring.UTF8View) {
    if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") { rest.removeFirst() }
}

/// - Returns: how many digits there were.
private func skipDigits(_ rest: inout Substring.UTF8View) -> Int {
    let digits = rest.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }.count
    rest.removeFirst(digits)
    return digits
}
