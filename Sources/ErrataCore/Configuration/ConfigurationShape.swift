/// What a setting's value may be, for machines: what stands behind a codec.
public indirect enum ConfigurationShape: Sendable {
    /// What only its reader knows.
    case anything
    case integer, number, boolean, text
    case choice([String])
    case list(ConfigurationShape)
    /// The shape, or null.
    case optional(ConfigurationShape)
    /// Numbers within bounds.
    case bounded(ConfigurationShape, [Bound])
    case section([Property])
    /// One of the components of a kind, by its name or a mapping with a name and settings.
    case component(of: @Sendable (PluginRegistry) -> Components)

    /// A bound of a number.
    public enum Bound: Sendable, Hashable {
        case minimum(Double)
        case maximum(Double)
        /// The bound itself is not admitted.
        case above(Double)
        /// The bound itself is not admitted.
        case below(Double)
    }

    /// A setting of a section.
    public struct Property: Sendable {
        public let key: String
        public let meaning: String
        public let shape: ConfigurationShape

        public init(key: String, meaning: String, shape: ConfigurationShape) {
            self.key = key
            self.meaning = meaning
            self.shape = shape
        }
    }

    /// The components of a kind.
    public struct Components: Sendable {
        public let kind: String
        public let components: [ComponentSummary]
    }
}

extension ConfigurationShape {
    /// The shape of a configuration's settings.
    static func section<C: Configuration>(of _: C.Type) -> Self {
        .section(C.fields.map { Property(key: $0.key, meaning: $0.meaning, shape: $0.shape) })
    }
}

extension ComponentList {
    /// The components, for machines.
    public var described: ConfigurationShape.Components { .init(kind: kind, components: summaries) }
}
