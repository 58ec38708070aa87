import Experiments
import Foundation

/// What makes a plugin a part of a package: files that are new, files that change, and what is left to do by hand.
struct PluginTarget {
    /// By path.
    private(set) var files: [String: String] = [:]
    /// Old and new texts, by path.
    private(set) var changes: [String: (old: String, new: String)] = [:]
    /// What a person has to add, where a file is not of the form that is known.
    private(set) var byHand: [String] = []

    /// Names of modules that every package builds with.
    private static let taken: Set = [
        "Swift", "Foundation", "Testing", "XCTest", "TensorEngine", "CPUEngine", "NeuralNetworks",
        "Multilevel",
        "Datasets", "ErrataCore", "Experiments", "ErrataCLI", "PluginTesting", "ArgumentParser",
    ]

    /// - Parameters:
    ///   - name: of the plugin.
    ///   - template: what it is.
    ///   - package: the folder of the package, which may not be there yet.
    ///   - errata: the folder of Errata's own package; found from this program where nil.
    /// - Throws: `NewPluginError` if the name is taken, or Errata's package is needed and not found.
    init(_ name: PluginName, of template: PluginTemplate, in package: String, errata: String?) throws {
        guard !Self.taken.contains(name.module) else {
            throw NewPluginError("a module is called '\(name.module)' already: choose another name")
        }
        let texts = template.filled(name)
        for (folder, text) in [
            ("Plugins/\(name.module)", texts.source), ("Tests/\(name.module)Tests", texts.test),
        ] {
            let path = "\(package)/\(folder)"
            guard !FileManager.default.fileExists(atPath: path) else {
                throw NewPluginError("\(path) is there already: choose another name, or delete it")
            }
            files["\(path)/\((folder as NSString).lastPathComponent).swift"] = text
        }
        let manifest = "\(package)/Package.swift"
        guard FileManager.default.fileExists(atPath: manifest) else {
            try begin(package, with: name, errata: errata ?? Self.foundErrata())
            return
        }
        let isErratas = try Self.isErratas(String(contentsOfFile: manifest, encoding: .utf8))
        try change(
            manifest, isErratas ? ManifestEdit.errata(name.module) : ManifestEdit.own(name.module))
        try change(
            "\(package)/Sources/\(isErratas ? "errata" : "experiment")/main.swift",
            ManifestEdit.program(name.module))
    }

    /// A new package with this plugin.
    private mutating func begin(_ package: String, with name: PluginName, errata: String?) throws {
        guard let errata, FileManager.default.fileExists(atPath: "\(errata)/Package.swift") else {
            throw NewPluginError(
                "\(errata ?? package) has no Package.swift; a new package needs to know where Errata's own lies: "
                    + "give its folder with --errata")
        }
        let absolute = URL(fileURLWithPath: errata).standardizedFileURL.path
        let folder = URL(fileURLWithPath: package).standardizedFileURL.lastPathComponent
        files["\(package)/Package.swift"] = try ManifestEdit.own(name.module)
            .applied(to: PackageTemplate.manifest(folder, errata: absolute))
        files["\(package)/Sources/experiment/main.swift"] = try ManifestEdit.program(name.module)
            .applied(to: PackageTemplate.main)
        files["\(package)/.gitignore"] = ".build/\nruns/\n"
        for path in files.keys where FileManager.default.fileExists(atPath: path) {
            throw NewPluginError("\(path) is there, but no Package.swift: name another folder")
        }
    }

    /// The package that this program was built in, if it is Errata's.
    private static func foundErrata() -> String? {
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        while folder.path != "/" {
            folder = folder.deletingLastPathComponent()
            let manifest = folder.appendingPathComponent("Package.swift")
            if let text = try? String(contentsOf: manifest, encoding: .utf8),
                isErratas(text)
            {
                return folder.path
            }
        }
        return nil
    }

    /// Whether a manifest is that of Errata's own package.
    private static func isErratas(_ manifest: String) -> Bool {
        manifest.contains(/\bPackage\(\s*name: "errata"/)
    }

    private mutating func change(_ path: String, _ edits: [ManifestEdit]) throws {
        let old = try? String(contentsOfFile: path, encoding: .utf8)
        if let old, let new = try? edits.applied(to: old) {
            changes[path] = (old, new)
        } else {
            byHand.append("\(path) is of a form that is not known here: add to it")
            byHand += edits.map { "    \($0.meaning)" }
        }
    }

    /// Writes everything, or nothing.
    ///
    /// - Throws: `FileError` if a file cannot be written.
    func write() throws {
        var made: [String] = []
        var changed: [String] = []
        do {
            for (path, text) in files.sorted(by: { $0.key < $1.key }) {
                let folder = directory(of: path)
                made += Self.missingFolders(folder)
                try FileManager.default.createDirectory(
                    atPath: folder, withIntermediateDirectories: true)
                made.append(path)
                try AtomicFile.write(text, to: path)
            }
            for (path, texts) in changes {
                try AtomicFile.write(texts.new, to: path)
                changed.append(path)
            }
        } catch {
            for path in changed { try? AtomicFile.write(changes[path]!.old, to: path) }
            for path in made.reversed() { try? FileManager.default.removeItem(atPath: path) }
            throw error
        }
    }

    /// Those of a path's folders that are not there, from above.
    private static func missingFolders(_ path: String) -> [String] {
        guard !FileManager.default.fileExists(atPath: path) else { return [] }
        return missingFolders(directory(of: path)) + [path]
    }
}
