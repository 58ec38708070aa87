/// One setting of a configuration: its key, where its value is kept, and what it means.
public struct ConfigurationField<Root: Sendable>: Sendable {
    public let key: String
    /// One line.
    public let meaning: String
    package let decode: @Sendable (ConfigurationValue, inout Root, inout ConfigurationDecoder) -> Void
    package let encode: @Sendable (Root) -> ConfigurationValue
    /// What the value may be, for machines.
    let shape: ConfigurationShape
    private let type: String
    private let constraint: String?
    private let rowsWithin: @Sendable (Root, String) -> [ConfigurationRow]

    /// - Parameters:
    ///   - key: as a YAML file has it.
    ///   - path: the property that keeps it; its default is the value in `init()`.
    ///   - meaning: one line for the documentation, with the unit and the source where there is one.
    ///   - constraint: what is asked of the value.
    public init<Value: ConfigurationRepresentable>(
        _ key: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ meaning: String,
        _ constraint: Constraint<Value>? = nil
    ) {
        self.init(key, path, meaning, codec: Value.codec.constrained(by: constraint))
    }

    /// - Parameters:
    ///   - key: as a YAML file has it.
    ///   - path: the property that keeps it.
    ///   - meaning: one line for the documentation.
    ///   - constraint: what is asked of a value other than null.
    public init<Value: ConfigurationRepresentable>(
        _ key: String, _ path: any WritableKeyPath<Root, Value?> & Sendable, _ meaning: String,
        ifGiven constraint: Constraint<Value>
    ) {
        self.init(key, path, meaning, codec: Value.codec.constrained(by: constraint).optional())
    }

    /// - Parameters:
    ///   - key: as a YAML file has it.
    ///   - path: the property that keeps it.
    ///   - meaning: one line for the documentation.
    ///   - constraint: what is asked of each element.
    ///   - list: what is asked of the list.
    public init<Element: ConfigurationRepresentable>(
        _ key: String, _ path: any WritableKeyPath<Root, [Element]> & Sendable, _ meaning: String,
        each constraint: Constraint<Element>, _ list: Constraint<[Element]>? = nil
    ) {
        self.init(
            key, path, meaning,
            codec: Element.codec.constrained(by: constraint).list().constrained(by: list))
    }

    private init<Value: Sendable>(
        _ key: String, _ path: any WritableKeyPath<Root, Value> & Sendable, _ meaning: String,
        codec: ConfigurationCodec<Value>
    ) {
        self.key = key
        self.meaning = meaning
        type = codec.name
        shape = codec.shape
        constraint = codec.constraint
        decode = { value, root, decoder in
            if let decoded = codec.decode(value, default: root[keyPath: path], &decoder) {
                root[keyPath: path] = decoded
            }
        }
        encode = { codec.encode($0[keyPath: path]) }
        rowsWithin = { codec.rows($0[keyPath: path], $1) }
    }

    /// The field's row, and the rows of what lies within it.
    package func rows(_ root: Root, path: String) -> [ConfigurationRow] {
        let path = path.isEmpty ? key : "\(path).\(key)"
        let within = rowsWithin(root, path)
        let row = ConfigurationRow(
            path: path, type: type, default: within.isEmpty ? encode(root).inline : "",
            constraint: constraint, meaning: meaning)
        return [row] + within
    }
}

/// A setting in a table of settings.
public struct ConfigurationRow: Sendable, Hashable {
    /// The keys that lead to it, joined by points: `method.steps`.
    public var path: String
    /// `integer`, `number`, `boolean`, `text`, the choices, `section`, with `or null` or `list of`.
    public var type: String
    /// As YAML has it; empty for a section.
    public var `default`: String
    /// `≥ 0`, for instance.
    public var constraint: String?
    public var meaning: String
}

extension ConfigurationValue {
    /// The value on one line, for a table.
    fileprivate var inline: String {
        switch content {
        case .null: "null"
        case .scalar(let text, _): text.isEmpty ? "''" : text
        case .sequence(let values): "[\(values.map(\.inline).joined(separator: ", "))]"
        case .mapping(let entries):
            "{\(entries.map { "\($0.key): \($0.value.inline)" }.joined(separator: ", "))}"
        }
    }
}
