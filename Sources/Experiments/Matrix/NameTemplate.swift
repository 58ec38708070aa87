import ErrataCore

/// What trials are called: a text in which `{AXIS}` stands for what was chosen there, and `{name}` for the file's name.
struct NameTemplate {
    let location: ConfigurationValue.Location
    private let parts: [Part]

    private enum Part {
        case text(String)
        case key(String)
    }

    /// - Parameter known: what braces may hold; what is wrong is reported to the decoder.
    init?(_ value: ConfigurationValue, known: [String], _ decoder: inout ConfigurationDecoder) {
        guard let text = value.text, !text.isEmpty else {
            decoder.fail(expected: "a text with {AXIS} in it", found: value)
            return nil
        }
        location = value.location
        var parts: [Part] = []
        var rest = text[...]
        while let brace = rest.firstIndex(of: "{") {
            parts.append(.text(String(rest[..<brace])))
            guard let end = rest[brace...].firstIndex(of: "}") else {
                decoder.fail("'{' without '}'", at: location)
                return nil
            }
            let key = String(rest[rest.index(after: brace)..<end])
            guard known.contains(key) else {
                let meant = suggestion(for: key, among: known).map { ", did you mean '\($0)'?" } ?? ""
                decoder.fail(
                    "no axis is called \(key.quotedForMessage)\(meant) (there are: \(known.joined(separator: ", ")))",
                    at: location)
                return nil
            }
            parts.append(.key(key))
            rest = rest[rest.index(after: end)...]
        }
        self.parts = parts + [.text(String(rest))]
    }

    private init(_ parts: [Part]) { (self.parts, location) = (parts, .none) }

    /// `NAME-batch_size=64-seed=3`: the last key of each setting, the label alone of a variant.
    static func standard(for axes: [(key: String, isVariants: Bool)]) -> Self {
        Self(
            [.key("name")]
                + axes.flatMap { axis -> [Part] in
                    let last = axis.key.split(separator: ".").last.map(String.init) ?? axis.key
                    return [.text(axis.isVariants ? "-" : "-\(last)="), .key(axis.key)]
                })
    }

    /// - Throws: `RunError` if a trial has chosen nothing on an axis that the text names.
    func text(_ values: [String: String]) throws -> String {
        try parts.map { part in
            switch part {
            case .text(let text): return text
            case .key(let key):
                guard let value = values[key] else {
                    throw RunError(
                        "names has {\(key)}, on which nothing is chosen here: give it `names` of its own")
                }
                return value
            }
        }.joined()
    }
}
