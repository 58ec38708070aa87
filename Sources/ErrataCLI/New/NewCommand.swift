import ArgumentParser
import ErrataCore
import Experiments
import Foundation

struct NewCommand: ComponentsCommand {
    static let configuration = CommandConfiguration(
        commandName: "new", abstract: "Write a plugin that works, and its test, into a package.",
        discussion: """
            The package is Errata's own, one that was begun with this command, or a new one where the folder has none. \
            The plugin is small and complete: change it into yours.
            """)

    @Argument(help: "generator, search-space, class-weighter, hypergradient or method.")
    var kind: Kind

    @Argument(help: "The plugin's name, such as MyPower or my-power.")
    var name: PluginName

    @Option(help: ArgumentHelp("The package's folder.", valueName: "folder"))
    var package = "."

    @Option(
        help: ArgumentHelp(
            "Where Errata's own package lies, for a new package; by default where this program was built.",
            valueName: "folder"))
    var errata: String?

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case generator
        case searchSpace = "search-space"
        case classWeighter = "class-weighter"
        case hypergradient, method

        var template: PluginTemplate {
            switch self {
            case .generator: .generator
            case .searchSpace: .searchSpace
            case .classWeighter: .classWeighter
            case .hypergradient: .hypergradient
            case .method: .method
            }
        }
    }

    func run(_ components: Components) throws {
        for (kind, summaries) in components.registry.kinds
        where summaries.contains(where: { $0.name == name.component }) {
            throw NewPluginError("there is a \(kind) called '\(name.component)' already: choose another name")
        }
        let target = try PluginTarget(name, of: kind.template, in: package, errata: errata)
        try target.write()
        for path in target.files.keys.sorted() { try Console.line("wrote \(path)") }
        for path in target.changes.keys.sorted() { try Console.line("changed \(path)") }
        for line in target.byHand { try Console.line(line) }
        try Console.line(
            "test it with: swift test --package-path \(Console.shellWord(package)) --filter \(name.module)Tests"
        )
    }
}

extension PluginName: ExpressibleByArgument {
    init?(argument: String) { self.init(argument) }
}

/// Why no plugin can be written.
struct NewPluginError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
