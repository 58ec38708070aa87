import Foundation
import Testing

/// The arrows between the modules run one way, and the core knows nothing of its plugins.
@Suite("The map of the house")
struct ArchitectureTests {
    private static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    private static let core = [
        "TensorEngine", "NeuralNetworks", "Multilevel", "Datasets", "ErrataCore", "Experiments",
    ]

    /// The folders of `Plugins`.
    private static let plugins = ((try? modules()) ?? []).filter {
        $0.files.contains { $0.path.contains("/Plugins/") }
    }
    .map(\.name)

    /// What each module may import of this package.
    private static let allowed: [String: Set<String>] = {
        let engine: Set = ["TensorEngine"]
        let levels = engine.union(["NeuralNetworks"])
        let below = levels.union(["Multilevel", "Datasets"])
        let plugin = below.union(["ErrataCore"])
        let runs = plugin.union(["Experiments"])
        let libraries: Set = ["Cells", "Adversarial"]
        return [
            "TensorEngine": [],
            "CPUEngine": engine.union(["CKernels", "COpenBLAS"]),
            "NeuralNetworks": engine,
            "Multilevel": levels,
            "Datasets": engine.union(["CHDF5", "CZlib", "CTurboJPEG", "CPNG"]),
            "Pickle": ["CBzip2"],
            "ErrataCore": below,
            "Experiments": plugin.union(["CYAML", "CHDF5", "CZlib"]),
            "ErrataCLI": runs.union(["CPUEngine"]),
            "PluginTesting": runs.union(["CPUEngine"]),
            "Cells": plugin, "Adversarial": plugin, "NASBench201": plugin.union(["Cells", "Pickle"]),
        ].merging(plugins.map { ($0, plugin.union(libraries)) }) { known, _ in known }
            .merging(["errata": Set(plugins + ["ErrataCLI", "Experiments"])]) { $1 }
    }()

    @Test("A module imports what lies below it, and declares no other dependency")
    func imports() throws {
        let modules = try Self.modules()
        #expect(modules.map(\.name).sorted() == Self.allowed.keys.sorted())
        let known = Set(modules.map(\.name)).union([
            "CKernels", "COpenBLAS", "CYAML", "CHDF5", "CZlib", "CBzip2", "CTurboJPEG", "CPNG",
        ])
        for module in modules {
            for file in module.files {
                let imported = Self.imports(try String(contentsOf: file, encoding: .utf8))
                let wrong = imported.intersection(known).subtracting(Self.allowed[module.name] ?? [])
                #expect(wrong.isEmpty, "\(module.name): \(file.lastPathComponent) imports \(wrong.sorted())")
            }
        }
        for (name, dependencies) in try Self.declaredDependencies() {
            guard let allowed = Self.allowed[name] else { continue }
            let wrong = dependencies.intersection(known).subtracting(allowed)
            #expect(wrong.isEmpty, "Package.swift: \(name) depends on \(wrong.sorted())")
        }
    }

    @Test("The core names no plugin, and nothing that only one space or method has")
    func names() throws {
        for module in try Self.modules() where Self.core.contains(module.name) {
            for file in module.files {
                let text = try String(contentsOf: file, encoding: .utf8)
                for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false)
                    .enumerated()
                {
                    let word = Self.foreignWord(in: line)
                    #expect(
                        word == nil, "\(module.name)/\(file.lastPathComponent):\(index + 1): \(word ?? "")")
                }
            }
        }
    }

    @Test("What is foreign is recognised, and what only looks like it is not")
    func recognition() {
        for line in [
            "a cell", "reduceCells()", "the edges of a cell", "let auxiliaryHead = 1", "drop path",
            "dropPath",
            "drop_path: 1", "λ", "let lambda = 2", "DARTSPlugin()", "\"darts\"", "LFMMethod", "dcgan",
            "BilevelPlugin",
        ] { #expect(Self.foreignWord(in: Substring(line)) != nil, "\(line)") }
        for line in [
            "cancelled", "excellent", "knowledge", "an edge case", "acknowledged", "(DARTS, Eq. 8)",
            "a bilevel problem", "dropped", "auxiliary",
        ] { #expect(Self.foreignWord(in: Substring(line)) == nil, "\(line)") }
    }

    // MARK: Reading the sources

    private static func modules() throws -> [(name: String, files: [URL])] {
        try ["Sources", "Plugins"].flatMap { folder in
            try FileManager.default.contentsOfDirectory(
                at: root.appending(path: folder), includingPropertiesForKeys: nil)
        }.compactMap { module in
            let files = FileManager.default.enumerator(at: module, includingPropertiesForKeys: nil)?
                .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" }
            guard let files, !files.isEmpty else { return nil }
            return (module.lastPathComponent, files)
        }
    }

    /// What a file imports; what stands in a literal is not the file's.
    private static func imports(_ text: String) -> Set<String> {
        Set(
            text.replacing(/(?s)""".*?"""/, with: "").matches(
                of: /(?m)^\s*(?:@\w+\s+)*(?:\w+\s+)?import\s+(?:(?:struct|class|enum|protocol|func)\s+)?(\w+)/
            ).map { String($0.1) })
    }

    /// The names in quotes within each target of Package.swift.
    private static func declaredDependencies() throws -> [(name: String, dependencies: Set<String>)] {
        let text = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        guard let targets = text.range(of: "    targets: [") else { return [] }
        let starts = /\n {8}(\.?\w+)\(\s*(?:name: )?"([\w-]+)"/
        let body = String(text[targets.upperBound...])
        let matches = Array(body.matches(of: starts))
        return matches.indices.map { index in
            let end = index + 1 < matches.count ? matches[index + 1].range.lowerBound : body.endIndex
            let names = body[matches[index].range.upperBound..<end].matches(of: /"(\w+)"/).map {
                String($0.1)
            }
            return (String(matches[index].2), matches[index].1.contains("tests") ? [] : Set(names))
        }
    }

    private static func foreignWord(in line: Substring) -> String? {
        let words = line.replacing(/([a-z])([A-Z])/) { "\($0.1) \($0.2)" }.replacing("_", with: " ")
        let foreign =
            /(?i)\b(cells?|auxiliary heads?|drop ?paths?|lambda|dcgan|lfm)\b|λ|\bedges?\b(?! case)/
        if let match = words.firstMatch(of: foreign) { return String(match.0) }
        return line.firstMatch(of: /"(p-|pc-)?(darts|bilevel)"|\b(P?C?DARTS|LFM|DCGAN|Bilevel)[A-Z]\w+/).map {
            String($0.0)
        }
    }
}
