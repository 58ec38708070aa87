/// The two names of a plugin: `MyPower` of its module, `my-power` of its component in a spec.
struct PluginName: Sendable, Hashable {
    let module, component: String

    /// From either name; nil if the text is neither.
    init?(_ text: String) {
        if text.wholeMatch(of: /[A-Z][A-Za-z0-9]*/) != nil {
            module = text
            component = text.replacing(/([a-z0-9])([A-Z])|([A-Z])([A-Z][a-z])/) { match in
                "\(match.1 ?? match.3!)-\(match.2 ?? match.4!)"
            }.lowercased()
        } else if text.wholeMatch(of: /[a-z][a-z0-9]*(-[a-z0-9]+)*/) != nil {
            component = text
            module = text.split(separator: "-").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        } else {
            return nil
        }
    }
}
