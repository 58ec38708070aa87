import Foundation

/// A small plugin that works, and its test. `__Name__` stands for the module, `__name__` for the component.
struct PluginTemplate: Sendable {
    let source, test: String

    /// The texts under a name.
    func filled(_ name: PluginName) -> (source: String, test: String) {
        func fill(_ text: String) -> String {
            text.replacingOccurrences(of: "__Name__", with: name.module)
                .replacingOccurrences(of: "__name__", with: name.component) + "\n"
        }
        return (fill(source), fill(test))
    }
}
