/// The settings of a component, declared once: a file may set these and no others.
///
///     struct GeneratorSettings: Configuration {
///         var noise = 100
///         static var fields: [ConfigurationField<Self>] {
///             [.init("noise", \.noise, "Length of the noise vector z.", .atLeast(1))]
///         }
///     }
public protocol Configuration: ConfigurationRepresentable {
    /// All defaults.
    init()

    /// The settings, of different keys, in the order of the documentation.
    static var fields: [ConfigurationField<Self>] { get }

    /// Checks what no setting shows by itself. Called where every setting is right by itself.
    ///
    /// - Throws: any error; its description is the message.
    func validate() throws
}

extension Configuration {
    public func validate() throws {}

    /// Reads a mapping of settings; what it leaves out keeps its default, and null is an empty mapping.
    ///
    /// - Throws: `ConfigurationErrors` with everything that is wrong: unknown keys, wrong types, values out of
    ///   range.
    public init(decoding value: ConfigurationValue) throws(ConfigurationErrors) {
        var decoder = ConfigurationDecoder()
        self = decoder.decode(Self.self, from: value)
        try decoder.finish()
    }

    /// Every setting with its value.
    public var encoded: ConfigurationValue {
        .mapping(Self.fields.map { .init($0.key, $0.encode(self)) })
    }

    /// The settings with their types, defaults and meanings.
    public static var rows: [ConfigurationRow] { Self().rows(path: "") }

    public static var codec: ConfigurationCodec<Self> {
        var codec = ConfigurationCodec<Self>(
            "section", expectation: "a mapping", shape: .section(of: Self.self),
            read: { value, standing, _, decoder in decode(value, default: standing ?? Self(), &decoder) },
            encode: \.encoded)
        codec.rows = { $0.rows(path: $1) }
        return codec
    }

    package static func decode(
        _ value: ConfigurationValue, default standing: Self, _ decoder: inout ConfigurationDecoder
    ) -> Self {
        var result = standing
        guard let entries = value.content == .null ? [] : value.entries else {
            decoder.fail(expected: "a mapping", found: value)
            return result
        }
        let fields = Self.fields
        let before = decoder.errors.count
        for entry in entries {
            decoder.within(key: entry.key) { decoder in
                if let field = fields.first(where: { $0.key == entry.key }) {
                    field.decode(entry.value, &result, &decoder)
                } else {
                    decoder.failUnknown(entry, keys: fields.map(\.key))
                }
            }
        }
        guard decoder.errors.count == before else { return result }
        do { try result.validate() } catch { decoder.fail(error, at: value.location) }
        return result
    }

    /// The settings with the values of this configuration.
    package func rows(path: String) -> [ConfigurationRow] {
        Self.fields.flatMap { $0.rows(self, path: path) }
    }
}

extension ConfigurationDecoder {
    fileprivate mutating func failUnknown(_ entry: ConfigurationValue.Entry, keys: [String]) {
        let meant = suggestion(for: entry.key, among: keys).map { ", did you mean '\($0)'?" } ?? ""
        let valid =
            keys.isEmpty ? "there are no settings here" : "the keys are \(keys.joined(separator: ", "))"
        fail("unknown key\(meant) (\(valid))", at: entry.location)
    }
}
