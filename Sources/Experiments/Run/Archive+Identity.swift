import ErrataCore
import TensorEngine

extension Archive {
    /// Says which run a checkpoint is of: its kind, its spec, and what computed it.
    mutating func identify(as kind: RunKind, _ spec: ExperimentSpec, on backend: any Backend) {
        self[attribute: "kind"] = .text(kind.rawValue)
        self[attribute: "seed"] = .integer(spec.seed)
        self[attribute: "spec"] = .text(YAMLWriter.text(spec.encoded))
        Provenance(backend).store(in: &self)
    }

    /// - Throws: `ArchiveError` if the checkpoint is of another kind of run, or of another spec.
    func requireIdentity(_ kind: RunKind, of experiment: Experiment) throws {
        let found = try text("kind")
        guard found == kind.rawValue else {
            throw ArchiveError(
                "it is the checkpoint of a run of kind '\(found)', expected '\(kind.rawValue)'")
        }
        let then: ExperimentSpec
        do { then = try experiment.resolving(YAMLReader.read(text("spec"), source: "spec")) } catch {
            throw ArchiveError("its spec is none of this version's, so that the run cannot go on: \(error)")
        }
        if let difference = experiment.spec.difference(from: then, in: kind) {
            throw ArchiveError("it was started with another spec: \(difference)")
        }
    }

    /// The path of a tensor that holds what is no finite number; `nil` if none does.
    var firstNotFinite: String? {
        tensors.keys.sorted().first { !tensors[$0]!.isFinite }
    }
}

extension Archive.Entry {
    fileprivate var isFinite: Bool {
        bytes.withUnsafeBytes { bytes in
            switch dtype {
            case .float32: bytes.withMemoryRebound(to: Float.self) { $0.allSatisfy(\.isFinite) }
            case .float64: bytes.withMemoryRebound(to: Double.self) { $0.allSatisfy(\.isFinite) }
            case .int32: true
            }
        }
    }
}
