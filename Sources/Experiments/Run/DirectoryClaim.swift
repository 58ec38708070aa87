import ErrataCore
import Foundation

/// A directory that a run has taken: nobody else's files are in its way, no other process runs there, and what was
/// made for it can be undone.
final class DirectoryClaim {
    let directory: RunDirectory
    private let kind: RunKind
    private let spec: ExperimentSpec
    private var lock: RunLock?
    /// What was not there before, in the order it was made.
    private var made: [String] = []

    /// - Parameter resuming: whether the directory may hold such a run.
    /// - Throws: `FileError` if it holds one that is not to be resumed or is of another spec, if a file that the run
    ///   would write is somebody's own, or if another process has the lock. Nothing is then changed.
    init(
        _ directory: RunDirectory, for kind: RunKind, _ experiment: Experiment, resuming: Bool
    ) throws {
        self.directory = directory
        self.kind = kind
        spec = experiment.spec
        do {
            try requireOwn(directory.lock, isOwn: Self.isLock)
            try make(directory.path)
            let isNew = !exists(directory.lock)
            lock = try RunLock(directory.lock)
            // Not before: it may be another process that made it.
            if isNew { made.append(directory.lock) }
            if directory.holds(kind) {
                guard resuming else {
                    throw FileError(
                        directory.path,
                        "holds \(kind == .search ? "a run" : "an evaluation") already: pass --resume to go on with "
                            + "it, or another --output")
                }
                try requireSameSpec(experiment)
            } else {
                try requireNoForeignFiles()
            }
            for folder in [""] + Self.folders(of: kind) {
                let path = directory.file(folder, of: kind)
                try make(path)
                sweep(path, folder)
            }
            sweep(directory.path, nil)
        } catch {
            undo()
            throw error
        }
    }

    /// Writes the resolved spec, where it is not there as it is.
    func writeSpec() throws {
        let path = directory.spec(of: kind)
        let text = RunDirectory.text(of: spec)
        if exists(path), try AtomicFile.read(path) == Array(text.utf8) { return }
        willMake(path)
        try AtomicFile.write(text, to: path)
    }

    /// Notes that a file is about to be made, if it is not there.
    func willMake(_ path: String) {
        if !exists(path) { made.append(path) }
    }

    /// Takes back what was made: the run has not begun.
    func undo() {
        for path in made.reversed() where unlink(path) != 0 { rmdir(path) }
        made = []
        lock = nil
    }

    // MARK: Whose files

    /// Without a run here, these can only be what a killed start has left, or somebody's own.
    private func requireNoForeignFiles() throws {
        try requireOwn(directory.spec(of: kind)) { $0.starts(with: RunDirectory.specTitle.utf8) }
        for name in ["metrics.csv", "epochs.csv", "classes.csv"] {
            let first = name == "metrics.csv" ? "step," : "epoch,"
            try requireOwn(directory.file(name, of: kind)) { $0.starts(with: first.utf8) }
        }
        // Written after a first row.
        if kind == .search { try requireOwn(directory.genotype) { _ in false } }
        for folder in Self.folders(of: kind) {
            let path = directory.file(folder, of: kind)
            for file in Self.contents(of: path) where !Self.isLeftover(file, in: folder) {
                try requireOwn("\(path)/\(file)") { _ in false }
            }
        }
    }

    private func requireOwn(_ path: String, isOwn: ([UInt8]) -> Bool) throws {
        guard exists(path) else { return }
        guard let bytes = try? AtomicFile.read(path), isOwn(bytes) else {
            throw FileError(
                path,
                "is not a file of a run's, and a run in \(directory.path) would write one of that name: move it, or "
                    + "choose another --output")
        }
    }

    /// What `RunLock` writes; nothing, if its writer was killed.
    private static func isLock(_ bytes: [UInt8]) -> Bool {
        bytes.isEmpty
            || String(decoding: bytes, as: UTF8.self).wholeMatch(of: /process \d+ on [^\n]*\n?/) != nil
    }

    private func requireSameSpec(_ experiment: Experiment) throws {
        let path = directory.spec(of: kind)
        guard exists(path) else { return }
        let then: ExperimentSpec
        do { then = try experiment.resolving(YAMLReader.read(file: path)) } catch {
            throw FileError(path, "is no spec of this version's, so that the run cannot go on: \(error)")
        }
        if let difference = spec.difference(from: then, in: kind) {
            throw FileError(path, "the run was started with another spec: \(difference)")
        }
    }

    // MARK: Folders

    private static func folders(of kind: RunKind) -> [String] {
        kind == .search ? ["genotypes", "samples", "drawings"] : []
    }

    /// Makes a directory, and those above it, where there is none.
    private func make(_ directory: String) throws {
        var status = stat()
        guard stat(directory, &status) != 0 else {
            guard status.st_mode & S_IFMT == S_IFDIR else { throw FileError(directory, "is no directory") }
            return
        }
        try make(Experiments.directory(of: directory))
        if mkdir(directory, 0o777) == 0 {
            made.append(directory)
        } else if errno != EEXIST {
            throw FileError.system(directory, "cannot be made")
        }
    }

    /// Deletes what writers that were killed have left of a run's files in a folder, and nothing else.
    private func sweep(_ path: String, _ folder: String?) {
        for file in Self.contents(of: path) where Self.isLeftover(file, in: folder) {
            unlink("\(path)/\(file)")
        }
    }

    /// Whether a file is the beginning of one that a run writes in a folder: `checkpoint.h5.4711.part`.
    ///
    /// - Parameter folder: within the run's folder; `nil` for the directory itself.
    private static func isLeftover(_ name: String, in folder: String?) -> Bool {
        guard let written = name.wholeMatch(of: /(.+?)(\.\d+)?\.part/)?.1 else { return false }
        return switch folder {
        case nil: ["spec.yaml", "genotype.yaml"].contains(written)
        case "genotypes": written.wholeMatch(of: /epoch-\d+(-.+)?\.yaml/) != nil
        case "samples": written.wholeMatch(of: /epoch-\d+\.png/) != nil
        case "drawings": written.hasSuffix(".dot") || written.hasSuffix(".svg")
        default:
            [
                "spec.yaml", "metrics.csv", "epochs.csv", "classes.csv", "result.yaml", "checkpoint.h5",
                "checkpoint.h5.previous",
            ].contains(written)
        }
    }

    private static func contents(of directory: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    }
}
