import CPUEngine
import Cells
import DARTS
import ErrataCore
import NeuralNetworks
import TensorEngine
import Testing

@Suite("A supernet whose cells are computed again")
struct CheckpointingTests {
    private struct Outcome {
        let loss: Double
        /// ∂⟨∇_W L, u⟩ for A and the images, and ∇_A L without a graph.
        let second: [[Double]]
        let first: [[Double]]
        let buffers: [[Double]]
        let peak: Int
    }

    private func outcome(checkpointing: Bool) throws -> Outcome {
        let backend = try CPUBackend(threads: 2)
        var configuration = CellSpaceSettings()
        (configuration.channels, configuration.cells, configuration.nodes) = (4, 4, 2)
        let space = try CellSearchSpace(configuration)
        let supernet = try space.supernet(for: .init(height: 16, width: 16, channels: 3, classes: 4))
        func normal(_ shape: Shape, _ label: String, _ index: Int = 0) -> Tensor {
            backend.normal(shape, .float64, from: RandomStream(seed: 1, label, step: UInt64(index)))
        }
        let state = try supernet.layout.initialState(on: backend, .float64, from: RandomStream(seed: 2))
        let values = state.variables
        let images = normal([8, 16, 16, 3], "images").variable
        let labels = try backend.tensor((0..<8).map { Int32($0 % 4) }, [8])
        let architecture = try space.architecture.parameters.enumerated()
            .map { try (normal($1.shape, "A", $0) * 0.3).variable }
        backend.resetPeakMemory()

        let updates = BufferUpdates()
        func loss(_ updates: BufferUpdates?) throws -> Tensor {
            try supernet.logits(
                images, architecture: architecture,
                ForwardContext(values, updates: updates, checkpointing: checkpointing)
            ).crossEntropy(labels)
        }
        let first = try gradients(of: loss(nil), withRespectTo: architecture, releasingGraph: true)
        let (value, gradient) = try {
            let loss = try loss(updates)
            return (
                try loss.item(),
                try gradients(of: loss, withRespectTo: values.parameters, createGraph: true)
            )
        }()
        let second = try gradients(
            of: gradient, withRespectTo: architecture + [images],
            cotangents: gradient.enumerated().map { normal($1.shape, "u", $0) }, releasingGraph: true)
        return Outcome(
            loss: value, second: try second.map { try $0.doubles() },
            first: try first.map { try $0.doubles() },
            buffers: try updates.updated(state.buffers).map { try $0.doubles() },
            peak: backend.memory.peak)
    }

    private func worst(_ a: [[Double]], _ b: [[Double]]) -> Double {
        zip(a, b).map { a, b in
            let scale = b.map(abs).max() ?? 0
            return (zip(a, b).map { abs($0 - $1) }.max() ?? 0) / max(scale, 1e-30)
        }.max() ?? .infinity
    }

    @Test("Same values, buffers and derivatives, in less memory") func same() throws {
        let kept = try outcome(checkpointing: false)
        let again = try outcome(checkpointing: true)
        #expect(kept.loss == again.loss)
        #expect(kept.buffers == again.buffers)
        #expect(worst(again.first, kept.first) < 1e-12)
        #expect(worst(again.second, kept.second) < 1e-11)
        #expect(kept.second.allSatisfy { $0.contains { abs($0) > 1e-6 } })
        #expect(again.peak < kept.peak * 3 / 4, "\(kept.peak) and \(again.peak) bytes")
    }
}
