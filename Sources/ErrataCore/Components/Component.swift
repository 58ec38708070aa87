/// What a plugin registers: a product under a name, with the settings it has and how it is built from them.
///
/// `Context` is what else a product is built from: the images' size, for instance.
public struct Component<Product, Context>: Sendable {
    public let name: String
    /// One line.
    public let summary: String
    /// The settings with their types, defaults and meanings.
    public let settings: [ConfigurationRow]
    /// What the settings may be, for machines.
    let shape: ConfigurationShape
    /// Every setting where a file says nothing.
    let defaults: ConfigurationValue
    private let prepare:
        @Sendable (ComponentSelection, inout ConfigurationDecoder) -> PreparedComponent<Product, Context>

    /// - Parameters:
    ///   - name: what a file calls it, such as `rmsprop`.
    ///   - summary: one line for the documentation.
    ///   - configuration: the type of its settings, with their defaults in `init()`.
    ///   - make: builds the product; may throw where the settings do not fit the context.
    public init<C: Configuration>(
        _ name: String, _ summary: String, configuration: C.Type,
        make: @escaping @Sendable (C, Context) throws -> Product
    ) {
        self.init(name, summary, defaults: C(), make: make)
    }

    /// - Parameters:
    ///   - name: what a file calls it, such as `rmsprop`.
    ///   - summary: one line for the documentation.
    ///   - defaults: its settings where a file says nothing: components of one type may differ in them.
    ///   - make: builds the product; may throw where the settings do not fit the context.
    public init<C: Configuration>(
        _ name: String, _ summary: String, defaults: C,
        make: @escaping @Sendable (C, Context) throws -> Product
    ) {
        self.name = name
        self.summary = summary
        settings = defaults.rows(path: "")
        shape = .section(of: C.self)
        self.defaults = defaults.encoded
        prepare = { selection, decoder in
            let configuration = decoder.decode(C.self, from: selection.settings, default: defaults)
            return PreparedComponent(
                selection: ComponentSelection(
                    selection.name, settings: configuration.encoded, at: selection.location),
                settings: configuration.rows(path: ""),
                make: { try make(configuration, $0) })
        }
    }

    /// A component without settings.
    public init(
        _ name: String, _ summary: String, make: @escaping @Sendable (Context) throws -> Product
    ) {
        self.init(name, summary, configuration: NoSettings.self) { try make($1) }
    }

    package func prepare(
        _ selection: ComponentSelection, _ decoder: inout ConfigurationDecoder
    ) -> PreparedComponent<Product, Context> {
        prepare(selection, &decoder)
    }
}

/// A chosen component whose settings have been checked.
public struct PreparedComponent<Product, Context>: Sendable {
    /// The choice with every setting.
    public let selection: ComponentSelection
    /// A row for each setting, with the value that was chosen.
    public let settings: [ConfigurationRow]
    /// Builds the product.
    public let make: @Sendable (Context) throws -> Product
}

private struct NoSettings: Configuration {
    static var fields: [ConfigurationField<Self>] { [] }
}
