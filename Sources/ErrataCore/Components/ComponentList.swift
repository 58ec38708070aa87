/// The components of one kind that can be chosen from, in the order they were added.
public struct ComponentList<Product, Context>: Sendable {
    /// What they are, for messages: `generator`.
    public let kind: String
    public private(set) var components: [Component<Product, Context>] = []

    public init(kind: String) { self.kind = kind }

    /// - Throws: `PluginError` if there is one of that name, or if it has a setting called `name` or two of one
    ///   key.
    public mutating func add(_ component: Component<Product, Context>) throws(PluginError) {
        guard !components.contains(where: { $0.name == component.name }) else {
            throw PluginError("two plugins add a \(kind) called '\(component.name)'")
        }
        var paths: Set<String> = ["name"]
        for row in component.settings where !paths.insert(row.path).inserted {
            throw PluginError(
                row.path == "name"
                    ? "the \(kind) '\(component.name)' has a setting called 'name', which chooses the \(kind)"
                    : "the \(kind) '\(component.name)' declares '\(row.path)' twice")
        }
        components.append(component)
    }

    /// The component that was chosen, its settings checked.
    ///
    /// - Throws: `ConfigurationErrors` if there is none of that name, or with all that is wrong in the settings.
    ///
    /// - Parameters:
    ///   - selection: the name, and the settings as they were given.
    ///   - registry: what its settings may choose components from.
    public func resolve(_ selection: ComponentSelection, registry: PluginRegistry? = nil)
        throws(ConfigurationErrors) -> PreparedComponent<Product, Context>
    {
        var decoder = ConfigurationDecoder(registry: registry)
        let prepared = decoder.resolve(selection, from: self)
        try decoder.finish()
        guard let prepared else { preconditionFailure("nothing resolved, and nothing reported") }
        return prepared
    }
}

extension ConfigurationDecoder {
    /// The component that was chosen, its settings checked; nil after reporting that there is none of that name.
    public mutating func resolve<Product, Context>(
        _ selection: ComponentSelection, from list: ComponentList<Product, Context>
    ) -> PreparedComponent<Product, Context>? {
        within(path: selection.path) { decoder in
            guard let component = list.components.first(where: { $0.name == selection.name }) else {
                let names = list.components.map(\.name)
                let meant = suggestion(for: selection.name, among: names).map { ", did you mean '\($0)'?" }
                let known = names.isEmpty ? "none" : names.joined(separator: ", ")
                decoder.fail(
                    "no \(list.kind) is called \(selection.name.quotedForMessage)\(meant ?? "") "
                        + "(there are: \(known))",
                    at: selection.location)
                return nil
            }
            return component.prepare(selection, &decoder)
        }
    }
}

/// Plugins that do not go together.
public struct PluginError: Error, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
