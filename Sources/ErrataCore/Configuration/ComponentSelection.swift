/// The choice of a component by name, with settings of its own that only the component knows:
/// `optimizer: adam` or `optimizer: {name: adam, beta1: 0.5}`.
public struct ComponentSelection: Sendable, Hashable {
    public var name: String
    /// A mapping, not yet checked.
    public var settings: ConfigurationValue
    /// Where it was chosen.
    public var location: ConfigurationValue.Location
    /// The setting that chose it; what paths in errors begin with.
    package var path: String

    /// - Parameters:
    ///   - name: under which the component is registered.
    ///   - settings: a mapping; none by default.
    ///   - location: where it was chosen, for messages.
    public init(
        _ name: String, settings: ConfigurationValue? = nil,
        at location: ConfigurationValue.Location = .none
    ) {
        self.name = name
        self.settings = settings ?? ConfigurationValue(.mapping([]), at: location)
        self.location = location
        path = ""
    }

    public static func == (one: Self, other: Self) -> Bool {
        one.name == other.name && one.settings == other.settings
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(name)
        hasher.combine(settings)
    }
}

extension ComponentSelection: ConfigurationRepresentable {
    /// Settings without a name are the default component's.
    public static var codec: ConfigurationCodec<Self> {
        .init(
            "component", expectation: "a name, or a mapping with a name and settings",
            read: { value, standing, expectation, decoder in
                var result: ComponentSelection
                switch value.content {
                case .scalar(let name, _):
                    result = ComponentSelection(name, at: value.location)
                case .mapping(let entries):
                    var name = standing?.name
                    var location = value.location
                    if let given = value["name"] {
                        name = decoder.within(key: "name") { String.codec.decode(given, default: nil, &$0) }
                        location = given.location
                    } else if name == nil {
                        decoder.fail("'name' is missing", at: value.location)
                    }
                    guard let name else { return nil }
                    result = ComponentSelection(
                        name,
                        settings: .init(.mapping(entries.filter { $0.key != "name" }), at: value.location),
                        at: location)
                case .null, .sequence:
                    decoder.fail(expected: expectation, found: value)
                    return nil
                }
                if let standing, standing.name == result.name {
                    result.settings = result.settings.merged(over: standing.settings)
                }
                result.path = decoder.path
                return result
            },
            encode: \.encoded)
    }

    /// The name alone where there are no settings.
    public var encoded: ConfigurationValue {
        guard let entries = settings.entries, !entries.isEmpty else { return .string(name) }
        return .mapping([.init("name", .string(name))] + entries)
    }
}
