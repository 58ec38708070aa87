import ErrataCore
import Experiments
import Foundation
import NeuralNetworks
import TensorEngine

extension Archive {
    /// The archive after a checkpoint file.
    func throughFile() throws -> Archive {
        let directory = FileManager.default.temporaryDirectory.appending(path: "conformance-\(UUID())")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let store = CheckpointStore(directory.appending(path: "checkpoint.h5").path)
        _ = try store.write(self)
        return try store.read()
    }
}

extension Model {
    /// All that a checkpoint keeps.
    var tensors: [Tensor] {
        state.parameters + state.buffers + optimizer.slots.flatMap(\.self) + (average ?? [])
    }
}

extension ComponentCheck {
    /// That a model comes out of a checkpoint as it went in.
    mutating func checkCheckpoint(
        _ property: String, _ model: Model, _ optimizer: any Optimizer, _ bench: Bench
    ) -> Model? {
        attempt(property) { check in
            var archive = Archive()
            try archive.store(model, optimizer, at: "model")
            let read = try archive.throughFile().model(
                model, optimizer, at: "model", bench.dtype, on: bench.backend)
            check.expect(
                try read.tensors.bits() == model.tensors.bits()
                    && read.optimizer.count == model.optimizer.count,
                property, found: "other values", expected: "the same bits")
            return read
        }
    }
}
