import CPUEngine
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

private func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

private struct FixtureTensor: Decodable {
    let shape: [Int]
    let values: [Double]
}

@Suite("Losses and optimisers agree with PyTorch's")
struct FixtureTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    private struct LossCase: Decodable {
        let smoothing, loss: Double
        let logits, gradient: FixtureTensor
        let labels: [Int32]
    }

    @Test func crossEntropy() throws {
        for test in try fixture("loss", as: [LossCase].self) {
            let logits = try backend.tensor(test.logits.values, Shape(test.logits.shape)).variable
            let labels = try backend.tensor(test.labels, [test.labels.count])
            let loss = try logits.crossEntropy(labels, labelSmoothing: test.smoothing)
            #expect(abs(try loss.item() - test.loss) < 1e-13)
            let gradient = try gradients(of: loss, withRespectTo: [logits])[0].doubles()
            #expect(zip(gradient, test.gradient.values).allSatisfy { abs($0 - $1) < 1e-14 })
        }
    }

    private struct OptimizerCase: Decodable {
        let name: String
        let curvature: [Double]?
        let steps: [[Double]]?
        let norm: Double?
        let clipped: [[Double]]?
    }

    @Test func optimizers() throws {
        let cases = try fixture("optimizers", as: [OptimizerCase].self)
        for test in cases {
            guard let steps = test.steps, let curvature = test.curvature else { continue }
            let sgd = SGD(momentum: 0.9, weightDecay: 0.01)
            let adam = Adam(beta1: 0.5, beta2: 0.999, weightDecay: 0.01)
            var (sgdState, adamState) = (SGD.State(), Adam.State())
            var x = try backend.tensor(steps[0], [3])
            for expected in steps.dropFirst() {
                let gradient = try x * backend.tensor(curvature, [3]) * 2
                if test.name == "sgd" {
                    let next = try sgd.step([x], gradients: [gradient], state: sgdState, rate: 0.05)
                    (x, sgdState) = (next.parameters[0], next.state)
                } else {
                    let next = try adam.step([x], gradients: [gradient], state: adamState, rate: 0.05)
                    (x, adamState) = (next.parameters[0], next.state)
                }
                let found = try x.doubles()
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-12 }, "\(test.name)")
            }
        }
        let clip = try #require(cases.first { $0.name == "clip" })
        let (gradients, norm) = try clipped(
            [backend.tensor([3.0, 4.0], [2]), backend.tensor([12.0], [1])], norm: 5)
        #expect(abs(try norm.item() - #require(clip.norm)) < 1e-12)
        for (gradient, expected) in zip(gradients, try #require(clip.clipped)) {
            #expect(zip(try gradient.doubles(), expected).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }

    @Test func cosineSchedule() {
        let schedule = CosineSchedule(initial: 0.025, minimum: 0.001, epochs: 50)
        #expect(schedule.rate(epoch: 0) == 0.025)
        #expect(abs(schedule.rate(epoch: 25) - 0.013) < 1e-15)
        #expect(schedule.rate(epoch: 49) > 0.001 && schedule.rate(epoch: 49) < 0.00103)
    }
}

@Suite("Models")
struct ModelTests {
    @Test("A recomputed pass changes no running estimate twice, and eval mode none")
    func statistics() throws {
        let backend = try CPUBackend(threads: 1)
        let builder = LayoutBuilder()
        let norm = BatchNorm(builder.root, channels: 2)
        let state = try builder.layout.initialState(on: backend, .float64, from: RandomStream(seed: 1))
        let x = backend.normal([5, 2], .float64, from: RandomStream(seed: 2))
        func updated(_ mode: NormalizationMode, passes: Int) throws -> [[Double]] {
            let recorder = StatisticsRecorder()
            for _ in 0..<passes {
                _ = try norm(x, ForwardContext(state, normalization: mode, recorder: recorder))
            }
            return try recorder.updated(state.statistics).map { try $0.doubles() }
        }
        let once = try updated(.batch, passes: 1)
        #expect(try updated(.batch, passes: 2) == once)
        #expect(once != [[0, 0], [1, 1]])
        #expect(try updated(.running, passes: 1) == [[0, 0], [1, 1]])
    }

    @Test("What a tensor begins as depends on its name and the seed, not on the others")
    func initialValues() throws {
        let backend = try CPUBackend(threads: 1)
        func values(_ names: [String], seed: UInt64) throws -> [String: [Double]] {
            let builder = LayoutBuilder()
            for name in names { _ = Linear(builder.root[name], inputs: 4, outputs: 3) }
            let state = try builder.layout.initialState(on: backend, .float64, from: RandomStream(seed: seed))
            return try Dictionary(
                uniqueKeysWithValues: zip(builder.layout.parameters, state.parameters).map {
                    ($0.name, try $1.doubles())
                })
        }
        let (one, more) = (try values(["b"], seed: 1), try values(["a", "b"], seed: 1))
        #expect(one["b.weight"] == more["b.weight"])
        #expect(more["a.weight"] != more["b.weight"])
        #expect(try values(["b"], seed: 2)["b.weight"] != one["b.weight"])
        #expect(try #require(one["b.weight"]).allSatisfy { abs($0) <= 0.5 })
    }
}
