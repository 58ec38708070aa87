import ErrataCore

/// A JSON Schema (2020-12) of specs: every setting of everything that is registered, for editors to complete and check.
public struct SpecSchema {
    private let registry: PluginRegistry
    /// The kinds of components that the schema has come upon, by the name of their definition.
    private var definitions: [(name: String, schema: ConfigurationValue)] = []

    /// - Parameters:
    ///   - registry: what can be chosen.
    ///   - defaults: the components of a spec that names none.
    /// - Returns: the schema's text.
    /// - Throws: if a search space cannot be made with its defaults.
    public static func text(_ registry: PluginRegistry, _ defaults: ComponentDefaults) throws -> String {
        var writer = SpecSchema(registry: registry)
        return JSONWriter.text(try writer.root(ExperimentSpec(defaults))) + "\n"
    }

    private init(registry: PluginRegistry) { self.registry = registry }

    private mutating func root(_ spec: ExperimentSpec) throws -> ConfigurationValue {
        let defaults = spec.encoded
        let shape = ExperimentSpec.codec.shape.choosing(Self.components)
        guard var properties = object(shape, defaults)["properties"]?.entries else { return .null }
        let network = try networks()
        properties = properties.map { entry in
            entry.key == "evaluation"
                ? .init(entry.key, entry.value.replacing("network", with: network)) : entry
        }
        let path = Self.type("string")
        properties += [
            .init(
                "extends",
                .mapping([
                    .init("description", .string("files that this one lies over, relative to it")),
                    .init("anyOf", .sequence([path, Self.list(of: path)])),
                ])),
            .init("matrix", Self.matrix),
        ]
        return .mapping([
            .init("$schema", .string("https://json-schema.org/draft/2020-12/schema")),
            .init("title", .string("An experiment")),
            .init("type", .string("object")),
            .init("properties", .mapping(properties)),
            .init("additionalProperties", .literal("false")),
            .init("$defs", .mapping(definitions.map { .init($0.name, $0.schema) })),
        ])
    }

    /// What a spec's sections choose from.
    private static let components: [String: @Sendable (PluginRegistry) -> ConfigurationShape.Components] = [
        "data.set": { $0.datasets.described }, "search_space": { $0.searchSpaces.described },
        "method": { $0.methods.described }, "generator": { $0.generators.described },
        "weighter": { $0.weighters.described }, "hypergradient": { $0.hypergradients.described },
    ]

    /// The settings of the networks of any search space.
    private mutating func networks() throws -> ConfigurationValue {
        var schemas: [ConfigurationValue] = []
        for component in registry.searchSpaces.components {
            let space = try registry.searchSpaces.resolve(
                ComponentSelection(component.name), registry: registry
            )
            .make(())
            let schema = object(space.networkShape.shape, space.networkShape.defaults)
            if !schemas.contains(schema) { schemas.append(schema) }
        }
        return .mapping([.init("anyOf", .sequence(schemas))])
    }

    // MARK: Shapes

    private mutating func schema(
        _ shape: ConfigurationShape, _ standing: ConfigurationValue?, _ meaning: String? = nil
    ) -> ConfigurationValue {
        var entries = meaning.map { [ConfigurationValue.Entry("description", .string($0))] } ?? []
        entries += self.entries(shape, standing)
        if let standing, standing.entries == nil { entries.append(.init("default", standing)) }
        return .mapping(entries)
    }

    private mutating func entries(_ shape: ConfigurationShape, _ standing: ConfigurationValue?)
        -> [ConfigurationValue.Entry]
    {
        switch shape {
        case .anything: []
        case .integer: Self.type("integer").entries!
        case .number: Self.type("number").entries!
        case .boolean: Self.type("boolean").entries!
        // YAML's numbers and truth values are texts where a text is wanted.
        case .text: [.init("type", .sequence(["string", "number", "boolean"].map { .string($0) }))]
        case .choice(let choices): [.init("enum", .sequence(choices.map { .string($0) }))]
        case .list(let element): Self.list(of: schema(element, nil)).entries!
        case .optional(let wrapped):
            [.init("anyOf", .sequence([.mapping(entries(wrapped, standing)), Self.type("null")]))]
        case .bounded(let shape, let bounds): entries(shape, standing) + bounds.map(\.entry)
        case .section: object(shape, standing ?? .null).entries!
        case .component(let components): [.init("$ref", reference(to: components(registry)))]
        }
    }

    private mutating func object(
        _ shape: ConfigurationShape, _ defaults: ConfigurationValue, _ more: [ConfigurationValue.Entry] = []
    ) -> ConfigurationValue {
        guard case .section(let properties) = shape else { return .mapping([]) }
        let own = properties.map { property in
            ConfigurationValue.Entry(
                property.key, schema(property.shape, defaults[property.key], property.meaning))
        }
        return .mapping([
            .init("type", .string("object")), .init("properties", .mapping(more + own)),
            .init("additionalProperties", .literal("false")),
        ])
    }

    /// A definition of a kind's components: a name alone, or a mapping with a component's settings. Without a name,
    /// they are the standing component's, which may be any.
    private mutating func reference(to described: ConfigurationShape.Components) -> ConfigurationValue {
        let name = described.kind.replacing(" ", with: "_")
        let reference = ConfigurationValue.string("#/$defs/\(name)")
        guard !definitions.contains(where: { $0.name == name }) else { return reference }
        let index = definitions.count
        definitions.append((name, .null))
        let names = described.components.map { component in
            ConfigurationValue.mapping([
                .init("description", .string(component.summary)), .init("const", .string(component.name)),
            ])
        }
        let mappings = described.components.map { component in
            object(
                component.shape, component.defaults,
                [.init("name", .mapping([.init("const", .string(component.name))]))])
        }
        definitions[index].schema = .mapping([.init("anyOf", .sequence(names + mappings))])
        return reference
    }

    private static func type(_ name: String) -> ConfigurationValue {
        .mapping([.init("type", .string(name))])
    }

    private static func list(of element: ConfigurationValue) -> ConfigurationValue {
        .mapping([.init("type", .string("array")), .init("items", element)])
    }

    private static let matrix = ConfigurationValue.mapping([
        .init(
            "description",
            .string("the experiments that this file describes: one for each combination of choices")),
        .init("type", .string("object")),
        .init(
            "properties",
            .mapping([
                .init(
                    "axes",
                    .mapping([
                        .init(
                            "description",
                            .string("by setting: values, or {from, to, step}; by name: variants")),
                        .init("type", .string("object")),
                    ])),
                .init("exclude", list(of: type("object"))), .init("include", list(of: type("object"))),
                .init("names", type("string")),
            ])),
        .init("additionalProperties", .literal("false")),
    ])
}

extension ConfigurationShape {
    /// Says what the components at some paths are chosen from.
    fileprivate func choosing(
        _ components: [String: @Sendable (PluginRegistry) -> Components], at path: String = ""
    ) -> Self {
        if let choice = components[path] {
            if case .optional = self { return .optional(.component(of: choice)) }
            return .component(of: choice)
        }
        guard case .section(let properties) = self else { return self }
        return .section(
            properties.map {
                Property(
                    key: $0.key, meaning: $0.meaning,
                    shape: $0.shape.choosing(components, at: path.isEmpty ? $0.key : "\(path).\($0.key)"))
            })
    }
}

extension ConfigurationShape.Bound {
    /// The keyword of JSON Schema.
    fileprivate var entry: ConfigurationValue.Entry {
        let (keyword, number) =
            switch self {
            case .minimum(let number): ("minimum", number)
            case .maximum(let number): ("maximum", number)
            case .above(let number): ("exclusiveMinimum", number)
            case .below(let number): ("exclusiveMaximum", number)
            }
        return .init(keyword, Double.codec.encode(number))
    }
}

extension ConfigurationValue {
    /// A schema of an object in which the schema of one property is another.
    fileprivate func replacing(_ key: String, with schema: ConfigurationValue) -> ConfigurationValue {
        .mapping(
            (entries ?? []).map { entry in
                guard entry.key == "properties" else { return entry }
                return .init(
                    "properties",
                    .mapping(
                        (entry.value.entries ?? []).map { .init($0.key, $0.key == key ? schema : $0.value) }))
            })
    }
}
