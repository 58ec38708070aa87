import ArgumentParser
import Experiments
import Foundation

struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show what a checkpoint holds.")

    @Argument(help: "A checkpoint, or the directory of a run.")
    var path: String

    @Argument(help: "Show what is below this path alone, such as levels/w1.")
    var within = ""

    @Flag(help: "Print the spec that it was written by, and no more.")
    var spec = false

    func run() throws {
        for path in try checkpoints() {
            let archive = try CheckpointStore(path).read()
            if spec {
                try Console.line(archive.text("spec").trimmingCharacters(in: .newlines))
                continue
            }
            try Console.line(path)
            let isWanted = { (name: String) in
                within.isEmpty || name == within || name.hasPrefix("\(within)/")
            }
            let attributes = archive.attributes.filter { isWanted($0.key) }.sorted { $0.key < $1.key }
            let tensors = archive.tensors.filter { isWanted($0.key) }.sorted { $0.key < $1.key }
            guard !attributes.isEmpty || !tensors.isEmpty else {
                throw FileError(path, "holds nothing below '\(within)'")
            }
            try Console.table(attributes.map { [$0.key, text($0.value)] })
            try Console.table(
                tensors.map { name, entry in
                    let range = entry.range.map {
                        String(format: "%.4g to %.4g", $0.lowerBound, $0.upperBound)
                    }
                    return [name, "\(entry.dtype) \(entry.shape)", range ?? ""]
                })
            let bytes = tensors.reduce(0) { $0 + $1.value.bytes.count }
            try Console.line("\(tensors.count) tensors, \(bytes) bytes")
        }
    }

    private func checkpoints() throws -> [String] {
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw FileError(path, "there is no such directory or file")
        }
        guard isDirectory.boolValue else { return [path] }
        let found = [RunKind.search, .evaluation].map { RunDirectory(path).checkpoints(of: $0).path }
            .filter { FileManager.default.fileExists(atPath: $0) }
        guard !found.isEmpty else { throw FileError(path, "holds no checkpoint") }
        return found
    }

    /// On one line; what has several is a file that the checkpoint holds.
    private func text(_ attribute: Archive.Attribute) -> String {
        switch attribute {
        case .integer(let value): return "\(value)"
        case .number(let value): return "\(value)"
        case .text(let text):
            let lines = text.split(separator: "\n")
            return lines.count > 1 ? "\(lines.count) lines of YAML" : text
        }
    }
}

extension Archive.Entry {
    /// The smallest and the largest element; nil where there is none that is a number.
    fileprivate var range: ClosedRange<Double>? {
        let values: [Double] = bytes.withUnsafeBytes { bytes in
            switch dtype {
            case .float32: bytes.bindMemory(to: Float.self).map(Double.init)
            case .float64: Array(bytes.bindMemory(to: Double.self))
            case .int32: bytes.bindMemory(to: Int32.self).map(Double.init)
            }
        }
        guard let least = values.min(), let most = values.max(), least <= most else { return nil }
        return least...most
    }
}
