import CPUEngine
import Foundation
import NeuralNetworks
import NeuralNetworksTesting
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
        let steps: [[Double]]?
        /// Of a quadratic whose gradient is 2·curvature·x; else the gradients themselves.
        let curvature: [Double]?
        let gradients: [[Double]]?
        let norm: Double?
        let clipped: [[Double]]?
    }

    /// Each with the rate of its case, and the settings that its case names.
    private static let optimizers: [(name: String, optimizer: any Optimizer, rate: Double)] = [
        ("sgd", SGD(momentum: 0.9, weightDecay: 0.01), 0.05),
        ("nesterov", SGD(momentum: 0.9, weightDecay: 0.01, nesterov: true), 0.05),
        ("adam", Adam(beta1: 0.5, beta2: 0.999, weightDecay: 0.01), 0.05),
        ("rmsprop", RMSprop(alpha: 0.9, epsilon: 1e-8, weightDecay: 0.01), 0.01),
        ("adamw", AdamW(Adam(beta1: 0.9, beta2: 0.99, epsilon: 1e-8), decay: 0.1), 0.01),
    ]

    @Test("Optimisers, the module's own and others, step by step", arguments: optimizers.indices)
    func trajectory(_ index: Int) throws {
        let (name, optimizer, rate) = Self.optimizers[index]
        let test = try #require(try fixture("optimizers", as: [OptimizerCase].self).first { $0.name == name })
        let steps = try #require(test.steps)
        var x = try backend.tensor(steps[0], [steps[0].count])
        var state = OptimizerState()
        for (step, expected) in steps.dropFirst().enumerated() {
            let gradient =
                try test.curvature.map { try x * backend.tensor($0, x.shape) * 2 }
                ?? backend.tensor(#require(test.gradients)[step], x.shape)
            let next = try optimizer.step([x], gradients: [gradient], state: state, rate: rate)
            (x, state) = (next.parameters[0], next.state)
            #expect(try zip(x.doubles(), expected).allSatisfy { abs($0 - $1) < 1e-13 }, "\(name) \(step)")
            #expect(state.slots.count == optimizer.slots.count && state.count == step + 1)
        }
    }

    @Test func clipping() throws {
        let test = try #require(
            try fixture("optimizers", as: [OptimizerCase].self).first { $0.name == "clip" })
        let (gradients, norm) = try clipped(
            [backend.tensor([3.0, 4.0], [2]), backend.tensor([12.0], [1])], norm: 5)
        #expect(abs(try norm.item() - #require(test.norm)) < 1e-12)
        for (gradient, expected) in zip(gradients, try #require(test.clipped)) {
            #expect(zip(try gradient.doubles(), expected).allSatisfy { abs($0 - $1) < 1e-12 })
        }
    }
}
