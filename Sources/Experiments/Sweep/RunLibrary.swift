import ErrataCore
import Foundation

/// A folder of runs, each in a directory that is called by the run's identity, and of what sweeps have made there.
public struct RunLibrary: Sendable {
    public let path: String

    public init(_ path: String) { self.path = RunDirectory(path).path }

    public func directory(of run: RunIdentity) -> RunDirectory { RunDirectory("\(path)/\(run)") }

    /// Whether a run has ended, so that it is never run again.
    public func isFinished(_ run: RunIdentity) -> Bool { exists(directory(of: run).result(of: run.kind)) }

    /// What a run's process says, standard error included.
    public func output(of run: RunIdentity) -> String { "\(directory(of: run).path)/output.log" }

    /// The runs that are there, by their names.
    ///
    /// - Throws: if the folder cannot be read.
    public var runs: [RunIdentity] {
        get throws {
            guard exists(path) else { return [] }
            return try FileManager.default.contentsOfDirectory(atPath: path).sorted().compactMap {
                RunIdentity($0)
            }
        }
    }

    /// Makes a run's directory with its spec, where it is not there.
    ///
    /// - Throws: `FileError` if that cannot be written.
    func prepare(_ run: RunIdentity, _ spec: ExperimentSpec) throws {
        let path = directory(of: run).spec(of: run.kind)
        try FileManager.default.createDirectory(
            atPath: Experiments.directory(of: path), withIntermediateDirectories: true)
        if !exists(path) { try AtomicFile.write(RunDirectory.text(of: spec), to: path) }
    }

    // MARK: Sweeps

    private func record(of sweep: String) -> String { "\(path)/sweeps/\(sweep).yaml" }

    /// The trials of a sweep when it was last begun; none where it never was.
    ///
    /// - Throws: `ConfigurationErrors` if the record is damaged.
    public func trials(of sweep: String) throws -> [SweepRecord.Trial] {
        let path = record(of: sweep)
        guard exists(path) else { return [] }
        return try SweepRecord(decoding: YAMLReader.read(file: path)).trials
    }

    /// The sweeps that were begun here, by their names.
    public var sweeps: [String] {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: "\(path)/sweeps")) ?? []
        return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
    }

    func write(_ trials: [SweepRecord.Trial], of sweep: String) throws {
        let path = record(of: sweep)
        try FileManager.default.createDirectory(
            atPath: Experiments.directory(of: path), withIntermediateDirectories: true)
        var record = SweepRecord()
        record.trials = trials
        try AtomicFile.write(YAMLWriter.text(record.encoded), to: path)
    }
}

/// Which runs the trials of a sweep are.
public struct SweepRecord: Configuration {
    public var trials: [Trial] = []

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [.init("trials", \.trials, "in the order of the matrix")]
    }

    /// A trial's runs.
    public struct Trial: Sendable, Hashable, Configuration {
        public var name = ""
        /// Names of directories; the evaluation's is empty where only searches were wanted.
        public var search = ""
        public var evaluation = ""

        public init() {}

        public static var fields: [ConfigurationField<Self>] {
            [
                .init("name", \.name, "what the matrix calls it"),
                .init("search", \.search, "the run's directory"),
                .init("evaluation", \.evaluation, "the run's directory; empty for none"),
            ]
        }
    }
}
