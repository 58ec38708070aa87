extension Int: ConfigurationRepresentable {
    /// Integers of YAML's core schema: `-12`, `007` (which is 7), `0o17`, `0x1F`.
    public static var codec: ConfigurationCodec<Int> {
        .init(
            "integer", expectation: "an integer", shape: .integer,
            parse: { $0.literal.flatMap(integer) },
            encode: { .literal("\($0)") })
    }
}

extension Double: ConfigurationRepresentable {
    /// Finite numbers of YAML's core schema; `1e-3` is one, and so is every integer.
    public static var codec: ConfigurationCodec<Double> {
        .init(
            "number", expectation: "a number", shape: .number,
            parse: { value in
                guard let text = value.literal else { return nil }
                if let number = integer(text) { return Double(number) }
                guard isNumber(text), let number = Double(text), number.isFinite else { return nil }
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
    /// `true` and `false` of YAML's core schema, or `on` and `off`, each as `True` and `TRUE` too.
    public static var codec: ConfigurationCodec<Bool> {
        .init(
            "boolean", expectation: "true, false, on or off", shape: .boolean,
            parse: { value in
                switch value.literal {
                case "true", "True", "TRUE", "on", "On", "ON": true
                case "false", "False", "FALSE", "off", "Off", "OFF": false
                default: nil
                }
            },
            encode: { .literal("\($0)") })
    }
}

extension String: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<String> {
        .init("text", expectation: "a text", shape: .text, parse: \.text, encode: { .string($0) })
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
            shape: .choice(choices),
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

/// The integer that a text is by YAML 1.2's core schema: digits with an optional sign, `0o` and octal digits, or
/// `0x` and hexadecimal ones.
private func integer(_ text: String) -> Int? {
    let radix = text.hasPrefix("0o") ? 8 : text.hasPrefix("0x") ? 16 : 10
    var digits = text.utf8[...]
    if radix == 10 { skipSign(&digits) } else { digits.removeFirst(2) }
    // Int(_:radix:) takes a sign wherever it stands first.
    guard digits.first != UInt8(ascii: "-"), digits.first != UInt8(ascii: "+") else { return nil }
    return Int(radix == 10 ? text[...] : Substring(digits), radix: radix)
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
