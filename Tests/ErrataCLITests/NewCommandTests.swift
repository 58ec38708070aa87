import Foundation
import Testing

@Suite("errata new")
struct NewCommandTests {
    private let folder: Workplace

    init() throws { folder = try Workplace() }

    private var package: String { "\(folder.path)/mine" }

    private func new(_ kind: String, _ name: String, _ more: String...) throws -> Command.Result {
        try Command.finish(Command.start(["new", kind, name, "--package", package] + more))
    }

    private func text(_ path: String) throws -> String {
        try String(contentsOfFile: "\(package)/\(path)", encoding: .utf8)
    }

    /// All files below the folder.
    private func files() -> [String] {
        (FileManager.default.enumerator(atPath: package)?.compactMap { $0 as? String } ?? [])
            .filter { $0.hasSuffix(".swift") || $0.hasSuffix(".gitignore") }.sorted()
    }

    @Test(
        "Each kind begins a package, whose manifest and program know it; a second one joins it",
        arguments: ["generator", "search-space", "class-weighter", "hypergradient", "method"])
    func kinds(_ kind: String) throws {
        let first = try new(kind, "my-first")
        #expect(first.status == 0, "\(first.errors)")
        #expect(
            files() == [
                ".gitignore", "Package.swift", "Plugins/MyFirst/MyFirst.swift",
                "Sources/experiment/main.swift",
                "Tests/MyFirstTests/MyFirstTests.swift",
            ])
        #expect(try text("Plugins/MyFirst/MyFirst.swift").contains("public struct MyFirstPlugin: Plugin"))
        #expect(try text("Plugins/MyFirst/MyFirst.swift").contains(#""my-first""#))
        #expect(try text("Tests/MyFirstTests/MyFirstTests.swift").contains("checkPlugin(MyFirstPlugin())"))
        for file in files() { #expect(try !text(file).contains("__"), "\(file)") }

        let second = try new(kind, "MySecond")
        #expect(second.status == 0 && second.output.contains("changed \(package)/Package.swift"))
        for name in ["MyFirst", "MySecond"] {
            #expect(try text("Package.swift").contains("\n    \"\(name)\",\n"))
            #expect(try text("Sources/experiment/main.swift").contains("import \(name)\n"))
            #expect(try text("Sources/experiment/main.swift").contains("\(name)Plugin(), "))
        }
    }

    @Test("In Errata's own package, manifest and program gain the plugin")
    func inTree() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        for file in ["Package.swift", "Sources/errata/main.swift"] {
            let copy = URL(fileURLWithPath: "\(package)/\(file)")
            try FileManager.default.createDirectory(
                at: copy.deletingLastPathComponent(), withIntermediateDirectories: true)
            try FileManager.default.copyItem(at: root.appendingPathComponent(file), to: copy)
        }
        let before = try text("Package.swift")
        let result = try new("method", "Mine")
        #expect(result.status == 0 && !result.output.contains("not known here"), "\(result.output)")
        let after = try text("Package.swift")
        #expect(after.contains(#"plugin("Mine", ["Cells", "Adversarial"]),"#))
        #expect(after.contains(#"tests(of: "Mine", ["PluginTesting"]),"#))
        #expect(after.components(separatedBy: #""Mine""#).count == 4)
        let without = after.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.contains("\"Mine\"") }
        #expect(without.joined(separator: "\n") == before)
        #expect(try text("Sources/errata/main.swift").contains("MinePlugin(), "))
    }

    @Test("What is there, taken or no name is refused, and nothing is left")
    func refusals() throws {
        func refused(_ kind: String, _ name: String, _ message: String, _ more: String...) throws {
            let before = files()
            let result = try Command.finish(Command.start(["new", kind, name, "--package", package] + more))
            #expect(result.status != 0 && result.errors.contains(message), "\(result.errors)")
            #expect(files() == before)
        }
        try refused("generator", "dcgan", "there is a generator called 'dcgan' already")
        try refused("generator", "Foundation", "a module is called 'Foundation' already")
        try refused("generator", "3d", "3d")
        try refused("gan", "Mine", "gan")
        try refused("generator", "Mine", "/nowhere has no Package.swift", "--errata", "/nowhere")
        #expect(try new("generator", "Mine").status == 0)
        try refused("method", "Mine", "Plugins/Mine is there already")
    }

    @Test("Where a manifest is of another form, a person is told what to add")
    func otherManifest() throws {
        try FileManager.default.createDirectory(atPath: package, withIntermediateDirectories: true)
        try "// mine\n".write(toFile: "\(package)/Package.swift", atomically: true, encoding: .utf8)
        let result = try new("class-weighter", "Mine")
        #expect(result.status == 0)
        #expect(result.output.contains("Package.swift is of a form that is not known here: add to it"))
        #expect(result.output.contains("MinePlugin() to the plugins"))
        #expect(try text("Package.swift") == "// mine\n")
    }

    @Test("A folder that cannot be written leaves nothing behind")
    func unwritable() throws {
        #expect(try new("generator", "Mine").status == 0)
        // A folder where a file's place is taken by a folder that is not empty.
        let main = "\(package)/Sources/experiment/main.swift"
        let before = try text("Package.swift")
        try FileManager.default.removeItem(atPath: "\(package)/Tests")
        try "".write(toFile: "\(package)/Tests", atomically: true, encoding: .utf8)
        let result = try new("generator", "Other")
        #expect(result.status == 1, "\(result.errors)")
        #expect(try text("Package.swift") == before)
        #expect(!FileManager.default.fileExists(atPath: "\(package)/Plugins/Other"))
        #expect(try !String(contentsOfFile: main, encoding: .utf8).contains("Other"))
    }
}
