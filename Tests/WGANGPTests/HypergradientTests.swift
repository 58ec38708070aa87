import Adversarial
import ErrataCore
import LFM
import NeuralNetworks
import SearchTesting
import Testing
import WGANGP

@Suite("The exact hypergradient through WGAN-GP, against central differences of the whole step")
struct HypergradientTests {
    private static let paths = ["direct", "class_weights", "w2", "w1", "generator", "discriminator"]

    private func check(
        zero: Set<String> = [], _ change: @escaping @Sendable (inout WGANGPConfiguration) -> Void
    )
        throws
    {
        // A point near a kink is left for that of the next seed.
        for seed in 1...20 {
            let step = try WholeStep(seed: UInt64(seed)) { tiny in
                tiny.generator = { context in
                    var configuration = WGANGPConfiguration()
                    (configuration.noise, configuration.channels, configuration.discriminatorChannels) = (
                        3, 2, 2
                    )
                    configuration.training.criticSteps = 2
                    configuration.training.generator.rate = 0.02
                    configuration.training.discriminator.rate = 0.02
                    change(&configuration)
                    return try WGANGPGenerator(
                        configuration, for: context.images, backbone: context.backbone)
                }
            }
            guard let disagreements = try step.disagreements(Self.paths, zero: zero) else { continue }
            #expect(disagreements == [])
            return
        }
        Issue.record("every seed has a kink within reach")
    }

    @Test("The critic on the backbone, then G")
    func alternating() throws { try check { _ in } }

    @Test("The penalty by running statistics")
    func runningStatistics() throws { try check { $0.penaltyStatistics = .running } }

    @Test("Both from one point")
    func simultaneous() throws {
        try check(zero: ["discriminator"]) { $0.training.order = .simultaneous }
    }

    @Test("A critic of its own, with and without layer norm", arguments: [false, true])
    func native(_ layerNorm: Bool) throws {
        try check(zero: ["generator", "discriminator"]) {
            ($0.discriminator, $0.layerNorm) = (.native, layerNorm)
        }
    }
}
