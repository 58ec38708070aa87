import Bilevel
import CPUEngine
import DARTS
import DCGAN
import EarlyStoppings
import ErrataCore
import Experiments
import Foundation
import Images
import LFM
import PCDARTS
import PDARTS
import RandomSearch
import TensorEngine
import TinySpaces

/// A directory of its own with runs that take a moment: the plain search of a chain of layers, or what settings make
/// of it.
final class TinyRun {
    static let spec = """
        name: tiny
        seed: 3
        data:
          set: {name: procedural, count: 32, test_count: 12, height: 8, width: 8, classes: 4}
        search_space: tiny-chain
        method: bilevel
        generator: {name: dcgan, noise: 4, embedding: 4, channels: 4}
        search:
          epochs: 2
          batch_size: 8
          augmentation: {crop_padding: 1}
        evaluation:
          epochs: 2
          batch_size: 8
          augmentation: {crop_padding: 1, cutout: 2}

        """

    /// The paper's method on DARTS's cells.
    static let lfm = [
        "search_space={name: darts, channels: 2, cells: 3, nodes: 2}", "method=lfm", "search.epochs=1",
        "evaluation.network={channels: 2, cells: 3, auxiliary: false}",
    ]

    /// A search in two stages.
    static let progressive = [
        "search_space=tiny-progressive", "evaluation.network={channels: 2, cells: 3, auxiliary: false}",
    ]

    /// The paper's method on three stages of cells.
    static let stagedCells =
        lfm + [
            "search_space={name: p-darts, channels: 2, cells: 3, nodes: 2, initial_deviation: 1, stages: ["
                + "{skip_dropout: 0.3}, {added_cells: 1, candidates: 5}, {candidates: 3}]}"
        ]

    /// The paper's method on partial channels.
    static let partialCells =
        lfm + ["search_space={name: pc-darts, channels: 4, cells: 3, nodes: 2}"]

    static let defaults = ComponentDefaults(
        searchSpace: "tiny-chain", method: "bilevel", generator: "dcgan", weighter: "validation-loss",
        dataset: "procedural")

    let folder: TemporaryDirectory
    let backend: CPUBackend
    let registry: PluginRegistry
    var path: String { "\(folder.path)/run" }
    var directory: RunDirectory { RunDirectory(path) }
    /// What runs have said.
    private(set) var lines: [String] = []
    /// The values of progress that they have shown last.
    private(set) var shown: [String: Double] = [:]

    init(_ plugins: [any Plugin] = []) throws {
        folder = try TemporaryDirectory()
        try Self.spec.write(toFile: "\(folder.path)/tiny.yaml", atomically: true, encoding: .utf8)
        backend = try CPUBackend(threads: 1)
        registry = try PluginRegistry(
            [
                DARTSPlugin(), PDARTSPlugin(), PCDARTSPlugin(), DCGANPlugin(), LFMPlugin(), BilevelPlugin(),
                RandomSearchPlugin(), ImagesPlugin(), EarlyStoppingsPlugin(), TinySpacesPlugin(),
                RMSpropPlugin(),
            ] + plugins)
    }

    func experiment(_ settings: [String] = []) throws -> Experiment {
        try Experiment(
            SpecOverlay.read(file: "\(folder.path)/tiny.yaml", setting: settings), registry: registry,
            defaults: Self.defaults)
    }

    @discardableResult
    func search(_ settings: String..., in path: String? = nil, resuming: Bool = false) throws -> SearchResult
    {
        try search(settings, in: path, resuming: resuming)
    }

    @discardableResult
    func search(_ settings: [String], in path: String? = nil, resuming: Bool = false) throws -> SearchResult {
        try run(in: path, resuming) { try SearchTask(experiment(settings), on: backend) }
    }

    /// - Parameter genotype: in the search space's text form.
    @discardableResult
    func evaluate(
        _ genotype: String = "Chain(conv_3x3, conv_1x1, identity)", settings: [String] = [],
        in path: String? = nil, resuming: Bool = false
    ) throws -> EvaluationResult {
        let file = "\(folder.path)/genotype.txt"
        try genotype.write(toFile: file, atomically: true, encoding: .utf8)
        return try run(in: path, resuming) {
            let source = try EvaluationSource(genotype: file, of: experiment(settings))
            return try EvaluationTask(source.experiment, genotype: source.genotype, on: backend)
        }
    }

    func run<Task: RunTask>(in path: String? = nil, _ resuming: Bool, _ task: () throws -> Task) throws
        -> Task.Result
    {
        let reporter = Reporter()
        defer { (lines, shown) = (reporter.lines, reporter.shown) }
        let outcome = try Run(
            task(), in: RunDirectory(path ?? self.path), on: backend, resuming: resuming, progress: reporter
        ).run()
        guard case .finished(let result) = outcome else { throw CancellationError() }
        return result
    }

    // MARK: What is there

    func text(_ name: String) throws -> String {
        try String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)
    }

    func write(_ text: String, to name: String) throws {
        let path = "\(self.path)/\(name)"
        try FileManager.default.createDirectory(
            at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
        try text.write(toFile: path, atomically: true, encoding: .utf8)
    }

    /// All that is below the directory.
    var files: Set<String> {
        Set((FileManager.default.enumerator(atPath: path)?.allObjects as? [String]) ?? [])
    }

    /// A table's rows, by column.
    func table(_ name: String) throws -> [[String: String]] {
        let lines = try text(name).split(separator: "\n").map {
            $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        return lines.dropFirst().map { Dictionary(uniqueKeysWithValues: zip(lines[0], $0)) }
    }

    /// A column's numbers; empty fields are left out.
    func column(_ column: String, of name: String) throws -> [Double] {
        try table(name).compactMap { $0[column].flatMap { Double($0) } }
    }

    func checkpoint(_ kind: RunKind) throws -> Archive { try directory.checkpoints(of: kind).read() }

    private final class Reporter: ProgressReporter {
        var lines: [String] = []
        var shown: [String: Double] = [:]

        func report(_ progress: RunProgress) {
            shown = Dictionary(progress.values) { first, _ in first }
        }
        func say(_ line: String) { lines.append(line) }
    }
}

/// The text of what a body throws; empty if nothing.
func failure(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return ""
}
