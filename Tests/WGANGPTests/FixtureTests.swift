import Adversarial
import CPUEngine
import ErrataCore
import Foundation
import NeuralNetworks
import SearchTesting
import TensorEngine
import Testing
import WGANGP

@Suite("WGAN-GP agrees with one written in PyTorch")
struct FixtureTests {
    struct Entry: Decodable {
        let shape: [Int]
        let values: [Double]

        func tensor(on backend: CPUBackend) throws -> Tensor { try backend.tensor(values, Shape(shape)) }
    }

    struct Case: Decodable {
        let layerNorm: Bool
        let generator, critic: [String: Entry]
        let labels: [Int32]
        let noise, real, share, generated, realScores, generatedScores: Entry
        let penalty, criticLoss, generatorLoss: Double
        let penaltyGradients, generatorLossGradients: [String: Entry]
    }

    private static let cases = try! JSONDecoder().decode(
        [Case].self,
        from: Data(
            contentsOf: Bundle.module.url(forResource: "Fixtures/wgan-gp", withExtension: "json")!))

    private let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 2) }

    private func near(_ found: Tensor, _ expected: Entry, _ tolerance: Double = 1e-12) throws -> Bool {
        try found.shape == Shape(expected.shape)
            && zip(found.doubles(), expected.values).allSatisfy {
                abs($0 - $1) <= tolerance * max(1, abs($1))
            }
    }

    @Test("Images, scores, losses, the penalty, and its gradients in H and in G", arguments: 0..<2)
    func agrees(_ index: Int) throws {
        let fixture = Self.cases[index]
        var configuration = WGANGPConfiguration()
        (configuration.noise, configuration.channels, configuration.discriminatorChannels) = (4, 3, 3)
        (configuration.discriminator, configuration.layerNorm) = (.native, fixture.layerNorm)
        let images = ImageSpecification(height: 12, width: 8, channels: 2, classes: 3)
        let generator = try WGANGPGenerator(
            configuration, for: images, backbone: TinySearch().search().supernet.backbone)
        func state(_ layout: ModelLayout, _ values: [String: Entry]) throws -> ModelState {
            #expect(Set(layout.parameters.map(\.name)) == Set(values.keys))
            var state = try layout.initialState(on: backend, .float64, from: RandomStream(seed: 0))
            state.parameters = try layout.parameters.map {
                let value = try #require(values[$0.name])
                #expect(Shape(value.shape) == $0.shape, "\($0.name)")
                return try value.tensor(on: backend).variable
            }
            return state
        }
        let g = try state(generator.layout, fixture.generator)
        let h = try state(generator.discriminator.layout, fixture.critic)
        let labels = try backend.tensor(fixture.labels, [fixture.labels.count])
        let generated = try generator.images(
            noise: fixture.noise.tensor(on: backend), labels: labels, ForwardContext(g))
        #expect(try near(generated, fixture.generated))
        let game = AdversarialGame(
            real: try fixture.real.tensor(on: backend), generated: generated, labels: labels,
            random: RandomStream(seed: 0), generator: g.parameters, discriminator: h.parameters
        ) { images, labels, _ in
            try generator.discriminator.scores(
                images, labels: labels, architecture: [], ForwardContext(h))
        }
        #expect(try near(game.scores(game.real), fixture.realScores))
        #expect(try near(game.scores(generated), fixture.generatedScores))

        let names =
            generator.layout.parameters.map { "G \($0.name)" }
            + generator.discriminator.layout.parameters.map { "H \($0.name)" }
        func expectGradients(of value: Tensor, _ expected: [String: Entry]) throws {
            let found = try gradients(of: value, withRespectTo: g.parameters + h.parameters)
            for (name, gradient) in zip(names, found) {
                #expect(try near(gradient, #require(expected[name]), 1e-10), "\(name)")
            }
        }
        let share = try fixture.share.tensor(on: backend)
        let penalty = try game.gradientPenalty(at: share * game.real + (1 - share) * generated)
        #expect(abs(try penalty.item() - fixture.penalty) < 1e-12)
        try expectGradients(of: penalty, fixture.penaltyGradients)
        let generatorLoss = try generator.generatorLoss(game).value
        #expect(abs(try generatorLoss.item() - fixture.generatorLoss) < 1e-12)
        try expectGradients(of: generatorLoss, fixture.generatorLossGradients)

        // The critic's loss has points of its own between: what it reports makes it up.
        let evaluation = try generator.discriminatorLoss(game)
        let distance = try #require(evaluation.metrics["wasserstein_estimate"])
        let reported = try #require(evaluation.metrics["gradient_penalty"])
        #expect(abs(-distance + 10 * fixture.penalty - fixture.criticLoss) < 1e-12)
        #expect(abs(try evaluation.value.item() - (10 * reported - distance)) < 1e-12)
        #expect(
            abs(try game.gradientPenalty(at: game.interpolates()).item() - reported) < 1e-12
                && abs(reported - fixture.penalty) > 1e-6)
    }
}
