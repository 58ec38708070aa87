import Foundation

/// A line or a word that a file gains where it is recognised.
struct ManifestEdit {
    /// What a person would be told.
    let meaning: String
    /// A pattern (ICU) whose first match the insertion follows.
    let anchor: String
    let insertion: String

    /// A package that was begun with `PackageTemplate`.
    static func own(_ module: String) -> [ManifestEdit] {
        [
            .init(
                meaning: "\"\(module)\" to the list of plugins", anchor: #"let plugins: \[String\] = \[\n"#,
                insertion: "    \"\(module)\",\n")
        ]
    }

    /// Errata's own package.
    static func errata(_ module: String) -> [ManifestEdit] {
        own(module) + [
            .init(
                meaning: "a target: plugin(\"\(module)\", [\"Cells\", \"Adversarial\"])",
                anchor: #"\n(?= +plugin\()"#,
                insertion: "        plugin(\"\(module)\", [\"Cells\", \"Adversarial\"]),\n"),
            .init(
                meaning: "a target: tests(of: \"\(module)\", [\"PluginTesting\"])",
                anchor: #"\n(?= +tests\(of: )"#,
                insertion: "        tests(of: \"\(module)\", [\"PluginTesting\"]),\n"),
        ]
    }

    /// A program's `main.swift`.
    static func program(_ module: String) -> [ManifestEdit] {
        [
            .init(meaning: "import \(module)", anchor: #"^"#, insertion: "import \(module)\n"),
            .init(
                meaning: "\(module)Plugin() to the plugins", anchor: #"plugins: \[\s*"#,
                insertion: "\(module)Plugin(), "),
        ]
    }
}

extension [ManifestEdit] {
    /// - Throws: `NewPluginError` if a place is not found.
    func applied(to text: String) throws -> String {
        try reduce(text) { text, edit in
            guard let place = text.range(of: edit.anchor, options: .regularExpression) else {
                throw NewPluginError("no place for \(edit.meaning)")
            }
            return text.replacingCharacters(in: place.upperBound..<place.upperBound, with: edit.insertion)
        }
    }
}
