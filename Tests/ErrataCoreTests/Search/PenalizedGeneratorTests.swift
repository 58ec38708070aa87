import CPUEngine
import ErrataCore
import LFM
import Multilevel
import NeuralNetworks
import SearchTesting
import TensorEngine
import Testing

@Suite("A generator that is no one's module: critic steps, gradient penalty, spectral norm, moving average")
struct PenalizedGeneratorTests {
    @Test("The exact hypergradient is the slope of the step, path by path")
    func wholeStep() throws {
        let paths = ["direct", "class_weights", "w2", "w1", "generator", "discriminator"]
        for seed in 1...20 {
            let frozen = FrozenIterations()
            let step = try WholeStep(seed: UInt64(seed), willSolve: frozen.rewind) { tiny in
                tiny.generator = { PenalizedGenerator($0, frozen: frozen) }
                tiny.lfm.syntheticGenerator = .average
            }
            guard let disagreements = try step.disagreements(paths, zero: []) else { continue }
            #expect(disagreements == [])
            return
        }
        Issue.record("every seed has a kink within reach")
    }

    @Test("u moves once a pass of H's own steps, one after the other, and not in G's")
    func buffers() throws {
        let tiny = try TinySearch { $0.generator = { PenalizedGenerator($0, criticSteps: 1) } }
        let start = try tiny.initialState()
        let after = try tiny.run(1)[0]
        let critic = start[.discriminator]
        let (weights, buffers) = (critic.layout.parameters, critic.layout.buffers)
        let weight = critic.state.parameters[weights.firstIndex { $0.name == "spectral.weight" }!]
        let index = buffers.firstIndex { $0.name == "spectral.u" }!
        var u = critic.state.buffers[index]
        // Real, generated and between.
        for _ in 0..<3 { u = try SpectralCritic.iterate(weight, u)[1] }
        let found = try after[.discriminator].state.buffers[index].doubles()
        #expect(try zip(found, u.doubles()).allSatisfy { abs($0 - $1) < 1e-14 })
    }

    @Test("What H reports and G's average come through, and go on from a state as if there had been no stop")
    func state() throws {
        let tiny = try TinySearch {
            $0.generator = { PenalizedGenerator($0) }
            $0.lfm.syntheticGenerator = .average
        }
        var state = try tiny.initialState()
        let reported = try tiny.step(&state)
        #expect(reported["gradient_penalty"]! > 0)
        #expect(try tiny.search().metrics.contains { $0.name == "gradient_penalty" })
        let average = try state[.generator].average!.flatMap { try $0.doubles() }
        let current = try state[.generator].state.parameters.flatMap { try $0.doubles() }
        let first = try tiny.initialState()[.generator].state.parameters.flatMap { try $0.doubles() }
        #expect(average != current)
        #expect(zip(average, zip(first, current)).allSatisfy { abs($0 - ($1.0 + $1.1) / 2) < 1e-15 })
        #expect(try tiny.run(2, from: state).last!.everything() == tiny.run(3).last!.everything())
    }

    @Test("The same seed gives the same bits on one thread and on two")
    func threads() throws {
        func after(threads: Int) throws -> [[Double]] {
            try TinySearch(threads: threads) {
                $0.generator = { PenalizedGenerator($0) }
                ($0.dtype, $0.hypergradient) = (.float32, ExactHypergradient())
            }.run(1)[0].everything()
        }
        #expect(try after(threads: 1) == after(threads: 2))
    }

    @Test("The gradient of scores keeps the images' path to where they come from, and needs none")
    func scoreGradient() throws {
        let backend = try CPUBackend(threads: 1)
        let h = try backend.tensor([2.0, 5], [2, 1, 1, 1]).variable
        let origin = try backend.tensor([1.0, 3], [2, 1, 1, 1]).variable
        let images = try origin * 3
        let game = AdversarialGame(
            real: images.detached, generated: images, labels: try backend.tensor([0, 1] as [Int32], [2]),
            random: RandomStream(seed: 0), generator: [], discriminator: [h]
        ) { images, labels, _ in
            try (images.squared() * h).reshaped(to: [2]) * labels.cast(to: .float64)
        }
        // Σ y·h·x², of which the gradient is 2·y·h·x.
        let gradient = try game.scoreGradient(at: game.generated)
        #expect(try gradient.doubles() == [0, 90])
        #expect(
            try gradients(of: gradient.sum(), withRespectTo: [origin, h]).map { try $0.doubles() }
                == [[0, 30], [0, 18]])
        let ofReal = try game.scoreGradient(
            at: game.real, labels: backend.tensor([1, 1] as [Int32], [2]))
        #expect(try ofReal.doubles() == [12, 90])
        #expect(try gradients(of: ofReal.sum(), withRespectTo: [h])[0].doubles() == [6, 18])
    }
}
