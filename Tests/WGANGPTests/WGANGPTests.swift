import Adversarial
import CPUEngine
import ErrataCore
import NeuralNetworks
import SearchTesting
import TensorEngine
import Testing
import WGANGP

@Suite("WGAN-GP")
struct WGANGPTests {
    private func tiny(
        _ images: ImageSpecification, _ change: (inout WGANGPConfiguration) -> Void = { _ in }
    ) throws -> WGANGPGenerator {
        var configuration = WGANGPConfiguration()
        (configuration.noise, configuration.channels, configuration.discriminatorChannels) = (5, 4, 4)
        change(&configuration)
        return try WGANGPGenerator(
            configuration, for: images, backbone: TinySearch().search().supernet.backbone)
    }

    @Test(arguments: [(32, 32, 3), (28, 28, 1), (48, 32, 2), (8, 12, 5), (6, 6, 1)])
    func imagesAndScores(_ height: Int, _ width: Int, _ channels: Int) throws {
        let backend = try CPUBackend(threads: 1)
        let images = ImageSpecification(height: height, width: width, channels: channels, classes: 4)
        let generator = try tiny(images) { $0.discriminator = .native }
        let random = RandomStream(seed: 1)
        let labels = try backend.tensor([3, 0, 1] as [Int32], [3])
        let made = try generator.images(
            noise: generator.noise(3, .float32, on: backend, from: random), labels: labels,
            ForwardContext(generator.layout.initialState(on: backend, .float32, from: random)))
        #expect(made.shape == [3, height, width, channels])
        let scores = try generator.discriminator.scores(
            made, labels: labels, architecture: [],
            ForwardContext(generator.discriminator.layout.initialState(on: backend, .float32, from: random)))
        #expect(scores.shape == [3])
    }

    @Test("The authors' sizes for CIFAR-10, without their auxiliary classifier's 1290 weights")
    func parameterCounts() throws {
        let images = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)
        let generator = try tiny(images) {
            $0 = WGANGPConfiguration()
            $0.discriminator = .native
        }
        // 264,192 of the first layer, three blocks, the last norm and convolution.
        let block = 2 * 9 * 128 * 128 + 128 * 128 + 4 * 10 * 128
        #expect(generator.layout.parameterCount == 264_192 + 3 * block + 2 * 128 + 9 * 128 * 3 + 3)
        let convolution = 9 * 128 * 128 + 128
        let first = 9 * 3 * 128 + 128 + convolution + 3 * 128 + 128
        let second = 2 * convolution + 128 * 128 + 128
        #expect(
            generator.discriminator.layout.parameterCount
                == first + second + 4 * convolution + 128 + 10 * 128)
        let training = generator.training
        #expect(training.criticSteps == 5 && !training.isSimultaneous && training.accumulation == 1)
        for descent in [training.generator, training.discriminator] {
            #expect(descent.optimizer as? Adam == Adam(beta1: 0, beta2: 0.9))
            #expect(descent.rate == 2e-4)
            #expect(descent.rate(at: TrainingTime(epoch: 3, epochs: 4)) == 0.5e-4)
        }
    }

    @Test("A critic of its own scores each image by itself, with layer norm too", arguments: [false, true])
    func independence(_ layerNorm: Bool) throws {
        let backend = try CPUBackend(threads: 1)
        let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)
        let critic = try tiny(images) {
            ($0.discriminator, $0.layerNorm) = (.native, layerNorm)
        }.discriminator
        #expect(critic.layout.buffers.isEmpty && !critic.dependsOnArchitecture)
        let state = try critic.layout.initialState(on: backend, .float64, from: RandomStream(seed: 1))
        func scores(_ first: Double) throws -> [Double] {
            let noise = backend.normal([2, 8, 8, 1], .float64, from: RandomStream(seed: 2))
            let factors = try backend.tensor([first, 1], [2, 1, 1, 1])
            return try critic.scores(
                noise * factors, labels: backend.tensor([2, 1] as [Int32], [2]), architecture: [],
                ForwardContext(state)
            ).doubles()
        }
        #expect(try scores(1)[0] != scores(2)[0])
        #expect(try scores(1)[1] == scores(2)[1])
    }

    @Test("Every setting changes what is made")
    func settingsMatter() throws {
        let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)
        let backend = try CPUBackend(threads: 1)
        /// The tensors of G and H, H's loss of a game, and how the two train.
        func made(_ changes: (inout WGANGPConfiguration) -> Void...) throws -> [String] {
            let generator = try tiny(images) { configuration in
                for change in changes { change(&configuration) }
            }
            let tensors = generator.layout.parameters + generator.discriminator.layout.parameters
            let game = AdversarialGame(
                real: backend.full(0, [2, 1, 1, 1], .float64),
                generated: backend.full(0.5, [2, 1, 1, 1], .float64),
                labels: try backend.tensor([0, 1] as [Int32], [2]), random: RandomStream(seed: 0),
                generator: [], discriminator: []
            ) { images, _, normalization in
                try (images * (normalization == .running ? 3 : 5)).reshaped(to: [2])
            }
            return tensors.map { "\($0.name) \($0.shape)" }
                + ["\(try generator.discriminatorLoss(game).value.item())", "\(generator.training)"]
        }
        typealias Change = (inout WGANGPConfiguration) -> Void
        let (same, native): (Change, Change) = ({ _ in }, { $0.discriminator = .native })
        let settings: [(key: String, where: Change, change: Change)] = [
            ("noise", same, { $0.noise = 7 }), ("channels", same, { $0.channels = 7 }),
            ("discriminator", same, native),
            ("discriminator_channels", native, { $0.discriminatorChannels = 7 }),
            ("layer_norm", native, { $0.layerNorm = true }), ("penalty", same, { $0.penalty = 1 }),
            ("penalty_statistics", same, { $0.penaltyStatistics = .running }),
            ("training", same, { $0.training.criticSteps = 7 }),
        ]
        #expect(Set(settings.map(\.key)) == Set(WGANGPConfiguration.fields.map(\.key)))
        for (key, place, change) in settings { #expect(try made(place) != made(place, change), "\(key)") }
    }
}
