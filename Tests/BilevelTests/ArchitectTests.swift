import Bilevel
import CPUEngine
import Datasets
import ErrataCore
import Foundation
import Multilevel
import NeuralNetworks
import TensorEngine
import Testing

@Suite("The plain search, A first, is DARTS's own loop")
struct ArchitectTests {
    @Test(
        "Five steps, value by value", arguments: ["first-order", "finite-difference", "exact"],
        ["constant", "cosine"])
    func steps(_ hypergradient: String, schedule: String) throws {
        let url = try #require(Bundle.module.url(forResource: "Fixtures/architect", withExtension: "json"))
        let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: url))
        let run = try #require(
            fixture.runs.first { $0.hypergradient == hypergradient && $0.schedule == schedule })
        let tolerance = hypergradient == "finite-difference" ? 1e-10 : 1e-11
        let backend = try CPUBackend(threads: 1)

        var differences = FiniteDifferenceHypergradient()
        differences.scale = fixture.scale
        let methods: [String: any Hypergradient] = [
            "first-order": FirstOrderHypergradient(), "finite-difference": differences,
            "exact": ExactHypergradient(),
        ]
        let settings = fixture.architecture
        let adam = Adam(beta1: settings.beta1, beta2: settings.beta2, weightDecay: settings.weightDecay)
        let weights = Descent(
            rate: run.rates[0], SGD(momentum: fixture.momentum, weightDecay: fixture.weightDecay),
            schedule: schedule == "cosine" ? CosineSchedule(minimum: 0.001) : ConstantSchedule(),
            clip: fixture.clip)
        let images = ImageSpecification(height: 1, width: 1, channels: 6, classes: 3)
        let space = MixtureSpace()
        let supernet = try space.supernet(for: images)
        var bilevel = BilevelSettings()
        bilevel.order = .architectureFirst
        let search = try ArchitectureSearch(
            space: space, supernet: supernet,
            method: BilevelMethod(bilevel, supernet: supernet, weights: weights),
            hypergradient: methods[hypergradient]!, images: images,
            architecture: Descent(rate: settings.rate, adam), seed: 1)

        var state = try search.initialState(on: backend, .float64)
        state.architecture.state.parameters = [try fixture.alpha.tensor(on: backend)]
        state["w2"].state.parameters = try fixture.weights.map { try $0.tensor(on: backend) }
        func expect(_ found: [Tensor], _ expected: [Values], _ what: Comment) throws {
            let found = try found.flatMap { try $0.doubles() }
            let expected = expected.flatMap(\.values)
            #expect(found.count == expected.count, what)
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < tolerance }, what)
        }
        for (index, expected) in run.steps.enumerated() {
            let before = state
            let batches = fixture.batches[index]
            let report = try search.step(
                &state,
                on: StepBatches([
                    "training": [batches.training.batch(on: backend)],
                    "validation": [batches.validation.batch(on: backend)],
                ]), at: TrainingTime(epoch: index, epochs: run.rates.count, step: index, stepsPerEpoch: 1))
            #expect(abs(report["w2_learning_rate"]! - run.rates[index]) < 1e-15)
            #expect(abs(report["architecture_loss"]! - expected.validationLoss) < tolerance, "step \(index)")
            #expect(abs(report["w2_loss"]! - expected.trainingLoss) < tolerance, "step \(index)")
            #expect(abs(report["w2_gradient_norm"]! - expected.norm) < tolerance, "step \(index)")
            try expect(state["w2"].state.parameters, expected.weights, "weights, step \(index)")
            try expect(state["w2"].optimizer.slots[0], expected.velocities, "velocities, step \(index)")
            try expect(state.architecture.state.parameters, [expected.alpha], "alpha, step \(index)")
            // What Adam was given: m ← β₁m + (1 − β₁)(g + decay·α), solved for g.
            var gradient = state.architecture.optimizer.slots[0][0]
            if let moment = before.architecture.optimizer.slots.first?[0] {
                gradient = try gradient - moment * settings.beta1
            }
            gradient =
                try gradient / (1 - settings.beta1)
                - before.architecture.state.parameters[0] * settings.weightDecay
            try expect([gradient], [expected.alphaGradient], "gradient, step \(index)")
        }
    }

    private struct Fixture: Decodable {
        let momentum, weightDecay, clip, scale: Double
        let architecture: Architecture
        let alpha: Values
        let weights: [Values]
        let batches: [Pair]
        let runs: [Run]
    }

    private struct Architecture: Decodable { let rate, beta1, beta2, weightDecay: Double }

    private struct Pair: Decodable { let training, validation: Examples }

    private struct Run: Decodable {
        let hypergradient, schedule: String
        let rates: [Double]
        let steps: [Step]
    }

    private struct Step: Decodable {
        let validationLoss, trainingLoss, norm: Double
        let alphaGradient, alpha: Values
        let velocities, weights: [Values]
    }

    private struct Examples: Decodable {
        let features: Values
        let labels: [Int32]

        func batch(on backend: any Backend) throws -> Batch {
            Batch(
                images: try features.tensor(on: backend).reshaped(to: [labels.count, 1, 1, -1]),
                labels: try backend.tensor(labels, [labels.count]))
        }
    }

    private struct Values: Decodable {
        let shape: [Int]
        let values: [Double]

        func tensor(on backend: any Backend) throws -> Tensor { try backend.tensor(values, Shape(shape)) }
    }
}
