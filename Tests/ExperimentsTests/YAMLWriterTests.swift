import ErrataCore
import Experiments
import Testing

@Suite("Writing YAML")
struct YAMLWriterTests {
    @Test("Sections are blocks, lists of scalars stand on one line")
    func form() {
        let value = ConfigurationValue.mapping([
            .init("seed", .literal("3")),
            .init(
                "learner",
                .mapping([
                    .init("lambda", .literal("1.0e-05")), .init("clip", .null), .init("name", .string("a b")),
                    .init("betas", .sequence([.literal("0.5"), .literal("0.999")])),
                    .init("none", .sequence([])), .init("empty", .mapping([])),
                    .init("lines", .string("a\n b")),
                ])),
            .init("edges", .sequence([.sequence([.string("skip"), .literal("0")]), .mapping([])])),
        ])
        #expect(
            YAMLWriter.text(value) == """
                seed: 3
                learner:
                  lambda: 1.0e-05
                  clip: null
                  name: a b
                  betas: [0.5, 0.999]
                  none: []
                  empty: {}
                  lines: "a\\n b"
                edges:
                - [skip, 0]
                - {}

                """)
    }

    @Test(
        "A text that reads as something else is quoted",
        arguments: [
            "", "~", "null", "Null", "true", "False", "yes", "off", "n", "1", "-1", "+1", "1e3", ".5", "-.5",
            "1_000", "0x1F", "0o17", "010", "2020-01-01", "1:30", ".inf", "-.inf", ".NaN", "<<", "=",
        ])
    func quoting(text: String) throws {
        let written = YAMLWriter.text(.mapping([.init(text, .string(text))]))
        #expect(written == "'\(text)': '\(text)'\n")
    }

    @Test("What is written reads as the same", arguments: 0..<400)
    func roundTrip(seed: UInt64) throws {
        var generator = SplitMix(seed: seed)
        let value = randomValue(depth: 5, &generator)
        let text = YAMLWriter.text(value)
        let read = try YAMLReader.read(text, source: "a.yaml")
        #expect(says(read, value), "\(text)")
        #expect(YAMLWriter.text(read) == text)
    }

    /// Whether what was read says what was written: text may have lost quotes only if it is no other type.
    private func says(_ read: ConfigurationValue, _ written: ConfigurationValue) -> Bool {
        switch (read.content, written.content) {
        case (.null, .null): true
        case (.scalar(let text, let quoted), .scalar(let expected, quoted: true)):
            text == expected && (quoted || (Double(text) == nil && Bool(text) == nil))
        case (.scalar(let text, quoted: false), .scalar(let expected, quoted: false)): text == expected
        case (.sequence(let elements), .sequence(let expected)):
            elements.count == expected.count && zip(elements, expected).allSatisfy(says)
        case (.mapping(let entries), .mapping(let expected)):
            entries.map(\.key) == expected.map(\.key)
                && zip(entries, expected).allSatisfy { says($0.value, $1.value) }
        default: false
        }
    }

    private func randomValue(depth: Int, _ generator: inout SplitMix) -> ConfigurationValue {
        let count = Int.random(in: 0...4, using: &generator)
        switch Int.random(in: 0..<(depth > 0 ? 6 : 4), using: &generator) {
        case 0: return .null
        case 1:
            return .literal(["0", "-3", "1.5", "1.0e-05", "true", "false"].randomElement(using: &generator)!)
        case 2, 3: return .string(randomText(&generator))
        case 4: return .sequence((0..<count).map { _ in randomValue(depth: depth - 1, &generator) })
        default:
            var keys: [String] = []
            for _ in 0..<count {
                let key = randomText(&generator)
                if !keys.contains(key) { keys.append(key) }
            }
            return .mapping(keys.map { .init($0, randomValue(depth: depth - 1, &generator)) })
        }
    }

    /// Texts of what YAML gives a meaning to, of line breaks, controls and letters of other scripts.
    private func randomText(_ generator: inout SplitMix) -> String {
        let pieces = [
            "a", "B", "0", "7", " ", "  ", "\n", "\n ", "\t", ":", ": ", " #", "#", "-", "- ", "?", "? ", ",",
            "[", "]", "{", "}", "&", "*", "!", "|", ">", "'", "\"", "%", "@", "`", "~", "\\", "<<", "=",
            "---",
            "...", "\u{1}", "\u{7F}", "\u{85}", "\u{A0}", "\u{2028}", "\u{FEFF}", "\u{FFFE}", "ü", "日本", "🙂",
            "e\u{301}", "\r", "\r\n", ".", "e", "+", "null", "true",
        ]
        let count = Int.random(
            in: 0...(Int.random(in: 0...20, using: &generator) == 0 ? 200 : 5), using: &generator)
        return (0..<count).map { _ in pieces.randomElement(using: &generator)! }.joined()
    }
}
