import CPUEngine
import ErrataCore
import TensorEngine

extension Archive {
    /// Says which run a checkpoint is of: `search` or `evaluation`, its spec, and what computed it.
    mutating func identify(as kind: String, _ spec: ExperimentSpec, on backend: CPUBackend) {
        self[attribute: "kind"] = .text(kind)
        self[attribute: "seed"] = .integer(spec.seed)
        self[attribute: "spec"] = .text(YAMLWriter.text(spec.encoded))
        Provenance(backend).store(in: &self, backend: backend)
    }

    /// - Throws: `ArchiveError` if the checkpoint is of another kind of run, or of another spec.
    func requireIdentity(_ kind: String, _ spec: ExperimentSpec) throws {
        let found = try text("kind")
        guard found == kind else {
            throw ArchiveError("it is the checkpoint of a run of kind '\(found)', expected '\(kind)'")
        }
        let then: ConfigurationValue
        do { then = try YAMLReader.read(text("spec"), source: "spec") } catch {
            throw ArchiveError("its spec cannot be read: \(error)")
        }
        if let difference = specDifference(spec.encoded, then) {
            throw ArchiveError("it was started with another spec: \(difference)")
        }
    }
}
