/// A type whose values a setting may have.
public protocol ConfigurationRepresentable: Sendable {
    static var codec: ConfigurationCodec<Self> { get }
}

/// How values of a type are read from a configuration and written to it.
public struct ConfigurationCodec<Value: Sendable>: Sendable {
    /// The type in a table of settings: `integer`, `number or null`.
    public let name: String
    /// What is expected, in an error message: `a number ≥ 0`.
    public var expectation: String
    /// What values may be, for machines.
    public private(set) var shape: ConfigurationShape
    /// What else is asked of a value: `≥ 0`.
    public private(set) var constraint: String?
    private let read: Read
    /// The value as a configuration has it.
    public let encode: @Sendable (Value) -> ConfigurationValue
    /// The settings within a value, for a table of settings.
    public var rows: @Sendable (_ value: Value, _ path: String) -> [ConfigurationRow]

    /// The value, given the one that stands without it and what is expected; nil after reporting an error.
    public typealias Read =
        @Sendable (ConfigurationValue, _ default: Value?, _ expectation: String, inout ConfigurationDecoder)
        ->
        Value?

    /// A type whose values are more than scalars.
    ///
    /// - Parameters:
    ///   - name: the type in a table of settings.
    ///   - expectation: what an error message says is expected.
    ///   - shape: what values may be, for machines.
    ///   - read: the value, or nil after reporting an error to the decoder.
    ///   - encode: the value as a file would have it.
    public init(
        _ name: String, expectation: String, shape: ConfigurationShape = .anything,
        read: @escaping Read,
        encode: @escaping @Sendable (Value) -> ConfigurationValue
    ) {
        self.name = name
        self.expectation = expectation
        self.shape = shape
        self.read = read
        self.encode = encode
        rows = { _, _ in [] }
    }

    /// A type of scalars.
    ///
    /// - Parameters:
    ///   - name: the type's name in tables of settings.
    ///   - expectation: what a message says was expected, such as `a path`.
    ///   - shape: what values may be, for machines.
    ///   - parse: the value, or nil if what stands there is none.
    ///   - encode: the value as a file would have it.
    public init(
        _ name: String, expectation: String, shape: ConfigurationShape = .anything,
        parse: @escaping @Sendable (ConfigurationValue) -> Value?,
        encode: @escaping @Sendable (Value) -> ConfigurationValue
    ) {
        self.init(
            name, expectation: expectation, shape: shape,
            read: { value, _, expectation, decoder in
                let parsed = parse(value)
                if parsed == nil { decoder.fail(expected: expectation, found: value) }
                return parsed
            }, encode: encode)
    }

    /// The value that stands in a configuration; nil after reporting what is wrong with it.
    ///
    /// - Parameters:
    ///   - value: what stands there.
    ///   - standing: the value without it, of which a mapping may change a part.
    ///   - decoder: collects the errors.
    public func decode(
        _ value: ConfigurationValue, default standing: Value?, _ decoder: inout ConfigurationDecoder
    ) -> Value? {
        read(value, standing, expectation, &decoder)
    }

    package func constrained(by constraint: Constraint<Value>?) -> Self {
        guard let constraint else { return self }
        var result = ConfigurationCodec(
            name, expectation: "\(expectation) \(constraint.description)",
            shape: constraint.bounds.isEmpty ? shape : .bounded(shape, constraint.bounds),
            read: { value, standing, expectation, decoder in
                guard let result = read(value, standing, expectation, &decoder) else { return nil }
                guard constraint.admits(result) else {
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
                return result
            }, encode: encode)
        result.constraint = constraint.description
        result.rows = rows
        return result
    }

    /// The type with `null` added.
    package func optional() -> ConfigurationCodec<Value?> {
        var result = ConfigurationCodec<Value?>(
            "\(name) or null", expectation: "\(expectation) or null", shape: .optional(shape),
            read: { value, standing, expectation, decoder in
                guard value.content != .null else { return .some(nil) }
                return read(value, standing ?? nil, expectation, &decoder).map(Optional.some)
            },
            encode: { $0.map(encode) ?? .null })
        result.constraint = constraint
        result.rows = { value, path in value.map { rows($0, path) } ?? [] }
        return result
    }

    /// Lists of the type.
    package func list() -> ConfigurationCodec<[Value]> {
        var result = ConfigurationCodec<[Value]>(
            "list of \(name)", expectation: "a list", shape: .list(shape),
            read: { value, _, expectation, decoder in
                guard case .sequence(let elements) = value.content else {
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
                let values = elements.enumerated().map { index, element in
                    decoder.within(index: index) { decode(element, default: nil, &$0) }
                }
                return values.contains { $0 == nil } ? nil : values.compactMap(\.self)
            },
            encode: { .sequence($0.map(encode)) })
        result.constraint = constraint.map { "each \($0)" }
        return result
    }
}

extension Optional: ConfigurationRepresentable where Wrapped: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Self> { Wrapped.codec.optional() }
}

extension Array: ConfigurationRepresentable where Element: ConfigurationRepresentable {
    public static var codec: ConfigurationCodec<Self> { Element.codec.list() }
}
