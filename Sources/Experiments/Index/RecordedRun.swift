import ErrataCore
import Foundation
import GRDB

/// A run as its folder's index knows it: what its files say.
public struct RecordedRun: Sendable, Hashable, Codable {
    /// The directory's name within the folder, and which of its runs.
    public let directory: String
    public let kind: RunKind
    /// What the spec calls it.
    public var name = ""
    /// Whether there is a result.
    public var isFinished = false
    /// Epochs that were ended, and what they took.
    public var epochs = 0
    public var seconds: Double?
    /// Of a search that has ended.
    public var validationAccuracy: Double?
    /// Of an evaluation that has ended; the error and the loss on the test images.
    public var testError: Double?
    public var testLoss: Double?
    /// Of the evaluated network.
    public var parameters: Int?
    /// Changes where a file of the run does.
    var stamp = ""

    /// How people call it: the directory, and the kind where that does not say it.
    public var title: String {
        RunIdentity(directory)?.kind == kind ? directory : "\(directory)/\(kind.rawValue)"
    }

    init(_ directory: String, _ kind: RunKind) { (self.directory, self.kind) = (directory, kind) }
}

extension RunKind: Codable {}
extension RecordedRun: FetchableRecord, PersistableRecord {
    public static let databaseTableName = "run"
}

/// A setting of a recorded run.
struct RecordedSetting: Sendable, Codable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "setting"
    let directory: String
    let kind: RunKind
    let path: String
    let value: String
    /// The value where it is a number, so that 1 is 1.0.
    let number: Double?
}

extension RunDirectory {
    /// What stands in a run's files.
    ///
    /// - Parameters:
    ///   - kind: which of its runs.
    ///   - known: what an earlier look has found.
    /// - Returns: nil where the directory holds no such run; nothing new where no file has changed.
    /// - Throws: what reading a damaged file throws.
    func recorded(_ kind: RunKind, unlike known: RecordedRun?) throws -> (
        run: RecordedRun, settings: [RecordedSetting]
    )? {
        let files = [spec(of: kind), file("epochs.csv", of: kind), result(of: kind)]
        let stamp = files.map { Self.stamp($0) }.joined(separator: " ")
        guard exists(files[0]), kind == .evaluation || isSearch else { return nil }
        var run = RecordedRun((path as NSString).lastPathComponent, kind)
        run.stamp = stamp
        if let known, known.stamp == stamp { return (known, []) }
        let spec = try YAMLReader.read(file: files[0])
        run.name = spec["name"]?.text ?? ""
        let status = RunStatus(of: self, kind)
        (run.epochs, run.seconds) = (status.epochs, status.secondsOfEpochs)
        if exists(files[2]) {
            run.isFinished = true
            let value = try YAMLReader.read(file: files[2])
            switch kind {
            case .search: run.validationAccuracy = try SearchResult(decoding: value).accuracy
            case .evaluation:
                let result = try EvaluationResult(decoding: value)
                (run.testError, run.testLoss) = (result.testError, result.testLoss)
                run.parameters = result.parameters
            }
        }
        let settings = spec.settings.map { path, value in
            RecordedSetting(
                directory: run.directory, kind: kind, path: path, value: value, number: Double(value))
        }
        return (run, settings)
    }

    /// When a file was last written, and its size.
    private static func stamp(_ path: String) -> String {
        var status = stat()
        guard stat(path, &status) == 0 else { return "-" }
        return "\(status.st_mtim.tv_sec).\(status.st_mtim.tv_nsec).\(status.st_size)"
    }

    /// Whether a search is or was begun here; a spec alone may be an evaluation's.
    private var isSearch: Bool {
        exists("\(path)/search") || RunIdentity((path as NSString).lastPathComponent)?.kind == .search
    }
}

extension ConfigurationValue {
    /// Every setting by its path, in the order of the file. A component's path says its name, whether it has settings
    /// or not.
    var settings: [(path: String, value: String)] { settings(at: "") }

    private func settings(at path: String) -> [(path: String, value: String)] {
        switch content {
        case .null: return [(path, "null")]
        case .scalar(let text, _): return [(path, text)]
        case .sequence:
            return [(path, YAMLWriter.text(self).split(separator: "\n").joined(separator: " "))]
        case .mapping(let entries):
            return entries.flatMap { entry -> [(path: String, value: String)] in
                if entry.key == "name", !path.isEmpty { return [(path, entry.value.text ?? "")] }
                return entry.value.settings(at: path.isEmpty ? entry.key : "\(path).\(entry.key)")
            }
        }
    }
}
