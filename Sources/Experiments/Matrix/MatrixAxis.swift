import ErrataCore
import Foundation

/// One of the things that a matrix varies, and what it may be.
struct MatrixAxis {
    /// The path of a setting; or of an axis of variants, what people call it.
    let key: String
    let location: ConfigurationValue.Location
    /// Whether each choice sets settings of its own, where otherwise it is the value of the setting `key`.
    let isVariants: Bool
    private(set) var choices: [Choice]

    struct Choice {
        var label: String
        /// Laid over the file.
        var settings: ConfigurationValue
    }

    /// - Parameter decoder: stands at the axis; what is wrong is reported to it.
    init?(_ entry: ConfigurationValue.Entry, _ decoder: inout ConfigurationDecoder) {
        (key, location) = (entry.key, entry.location)
        if let entries = entry.value.entries, !MatrixRange.isRange(entries) {
            isVariants = true
            choices = entries.compactMap { Self.variant($0, &decoder) }
            if entries.isEmpty { decoder.fail("there are no variants", at: entry.value.location) }
            return
        }
        isVariants = false
        guard SettingPath(key) != nil else {
            decoder.fail("expected the path of a setting, such as method.steps", at: location)
            return nil
        }
        choices = []
        guard let values = Self.values(entry.value, &decoder) else { return nil }
        choices = choices(of: values)
        for index in choices.indices
        where choices[..<index].contains(where: { $0.label == choices[index].label }) {
            decoder.fail(
                "two choices are called \(choices[index].label.quotedForMessage): call them differently by variants, "
                    + "'\(key.shownInMessage): {NAME: {…}}'", at: values[index].location)
            return nil
        }
    }

    /// The choices that values stand for: of variants, those with these labels.
    ///
    /// - Parameter value: one value, a list, or a range.
    /// - Returns: nil after reporting that a variant is not known.
    func choices(named value: ConfigurationValue, _ decoder: inout ConfigurationDecoder) -> [Choice]? {
        let isSeveral =
            if case .sequence = value.content { true } else {
                value.entries.map(MatrixRange.isRange) ?? false
            }
        let list = isSeveral ? Self.values(value, &decoder) ?? [] : [value]
        guard isVariants else { return choices(of: list) }
        return list.compactMap { choice(labelled: $0, &decoder) }
    }

    /// The choice with a label; nil after reporting that there is none.
    func choice(labelled value: ConfigurationValue, _ decoder: inout ConfigurationDecoder) -> Choice? {
        let wanted = Self.label(value, index: 0)
        if let choice = choices.first(where: { Self.isSame($0.label, wanted) }) { return choice }
        let labels = choices.map(\.label)
        let meant = suggestion(for: wanted, among: labels).map { ", did you mean '\($0)'?" } ?? ""
        decoder.fail(
            "no choice is called \(wanted.quotedForMessage)\(meant) (there are: "
                + "\(labels.joined(separator: ", ").shownInMessage))", at: value.location)
        return nil
    }

    /// This axis with one choice: what the command line sets.
    func narrowed(to value: ConfigurationValue, _ decoder: inout ConfigurationDecoder) -> MatrixAxis {
        var result = self
        result.choices =
            isVariants ? [choice(labelled: value, &decoder)].compactMap(\.self) : choices(of: [value])
        return result
    }

    /// Whether two labels mean the same: `1` and `1.0` do.
    static func isSame(_ one: String, _ other: String) -> Bool {
        if one == other { return true }
        guard let first = Double(one), let second = Double(other) else { return false }
        return first == second
    }

    private func choices(of values: [ConfigurationValue]) -> [Choice] {
        values.enumerated().map { index, value in
            Choice(
                label: Self.label(value, index: index),
                settings: SettingPath(key)!.nesting(value, at: value.location))
        }
    }

    private static func values(_ value: ConfigurationValue, _ decoder: inout ConfigurationDecoder)
        -> [ConfigurationValue]?
    {
        switch value.content {
        case .sequence(let values) where !values.isEmpty: return values
        case .mapping: return MatrixRange(value, &decoder)?.values
        default:
            decoder.fail(
                expected: "a list of values, {from: …, to: …}, or variants by their names", found: value)
            return nil
        }
    }

    /// A named variant: a mapping of settings, in which a key may be a path.
    private static func variant(_ entry: ConfigurationValue.Entry, _ decoder: inout ConfigurationDecoder)
        -> Choice?
    {
        decoder.within(key: entry.key) { decoder in
            guard let entries = entry.value.content == .null ? [] : entry.value.entries else {
                decoder.fail(expected: "a mapping of settings", found: entry.value)
                return nil
            }
            let settings = entries.reduce(ConfigurationValue(.mapping([]), at: entry.value.location)) {
                settings, entry in
                guard let path = SettingPath(entry.key) else {
                    decoder.fail("expected the path of a setting, found '\(entry.key)'", at: entry.location)
                    return settings
                }
                return path.nesting(entry.value, at: entry.location).merged(over: settings, isRoot: true)
            }
            return Choice(label: entry.key, settings: settings)
        }
    }

    /// What a value is called: a component's name, a scalar's text, or else its place in the list.
    private static func label(_ value: ConfigurationValue, index: Int) -> String {
        switch value.content {
        case .null: "null"
        case .scalar(let text, _): text
        case .mapping: value["name"]?.text ?? "\(index + 1)"
        case .sequence(let values):
            values.allSatisfy { $0.text != nil } && !values.isEmpty
                ? values.compactMap(\.text).joined(separator: "+") : "\(index + 1)"
        }
    }
}

/// Numbers in equal steps: `{from: 0, to: 9}`, both included.
struct MatrixRange: Configuration {
    private var from = 0.0
    private var to = 0.0
    private var step = 1.0

    static let limit = 10_000

    init() {}

    static func isRange(_ entries: [ConfigurationValue.Entry]) -> Bool {
        let keys = Set(entries.map(\.key))
        return keys.contains("from") && keys.contains("to")
    }

    init?(_ value: ConfigurationValue, _ decoder: inout ConfigurationDecoder) {
        let before = decoder.errors.count
        self = Self.decode(value, default: Self(), &decoder)
        if decoder.errors.count > before { return nil }
        location = value.location
    }

    private var location = ConfigurationValue.Location.none

    static var fields: [ConfigurationField<Self>] {
        [
            .init("from", \.from, "the first number"),
            .init("to", \.to, "the last one, if the steps meet it"),
            .init("step", \.step, "from each to the next", .above(0)),
        ]
    }

    func validate() throws {
        guard from <= to else { throw RunError("it is empty: from \(from) to \(to)") }
        guard (to - from) / step < Double(Self.limit) else {
            throw RunError("more than \(Self.limit) numbers")
        }
    }

    /// Integers where all are; others to twelve digits, so that 0.1 three times is 0.3.
    var values: [ConfigurationValue] {
        let count = Int(((to - from) / step + 1e-9).rounded(.down)) + 1
        return (0..<count).map { index in
            let number = from + Double(index) * step
            let isInteger = [from, step].allSatisfy { $0 == $0.rounded() } && abs(number) < 1e15
            let digits = Double(String(format: "%.12g", number)) ?? number
            let text = isInteger ? "\(Int(number))" : Double.codec.encode(digits).text ?? "\(digits)"
            return ConfigurationValue(.scalar(text, quoted: false), at: location)
        }
    }
}
