import CPUEngine
import Cells
import DARTS
import DCGAN
import ErrataCore
import NeuralNetworks
import TensorEngine
import Testing

@Suite("DCGAN")
struct DCGANTests {
    @Test(arguments: [
        (32, 32, 3), (32, 32, 1), (16, 16, 1), (64, 64, 3), (28, 28, 1), (48, 32, 2), (6, 8, 5),
    ])
    func imagesHaveTheDataSetsShape(_ height: Int, _ width: Int, channels: Int) throws {
        let backend = try CPUBackend(threads: 1)
        let specification = ImageSpecification(height: height, width: width, channels: channels, classes: 10)
        var configuration = DCGANConfiguration()
        (configuration.channels, configuration.discriminatorChannels) = (4, 4)
        configuration.discriminator = .native
        let backbone = try CellSearchSpace().supernet(for: specification).backbone
        let generator = try DCGANGenerator(configuration, for: specification, backbone: backbone)
        let stream = RandomStream(seed: 1)
        let labels = try backend.tensor([3, 9, 0] as [Int32], [3])
        let images = try generator.images(
            noise: generator.noise(3, .float32, on: backend, from: stream), labels: labels,
            ForwardContext(generator.layout.initialState(on: backend, .float32, from: stream)))
        #expect(images.shape == [3, height, width, channels])
        #expect(try images.doubles().allSatisfy { abs($0) <= 1 })
        let scores = try generator.discriminator.scores(
            images, labels: labels, architecture: [],
            ForwardContext(generator.discriminator.layout.initialState(on: backend, .float32, from: stream)))
        #expect(scores.shape == [3])
    }

    @Test(
        "A size that does not halve is refused, with one that would do",
        arguments: [(27, 28, "28×28"), (4, 4, "6×6"), (32, 15, "32×16")])
    func refusesSizesItCannotMake(_ height: Int, _ width: Int, enough: String) throws {
        let specification = ImageSpecification(height: height, width: width, channels: 1, classes: 2)
        let backbone = try CellSearchSpace().supernet(for: specification).backbone
        #expect {
            try DCGANGenerator(for: specification, backbone: backbone)
        } throws: { "\($0)".contains("\(height)×\(width): \(enough) would do") }
    }

    @Test("Every setting changes what is made")
    func settingsMatter() throws {
        let backend = try CPUBackend(threads: 1)
        let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)
        let backbone = try CellSearchSpace().supernet(for: images).backbone
        /// The tensors of G and H, G's loss of a game, and how the two train.
        func made(_ changes: (inout DCGANConfiguration) -> Void...) throws -> [String] {
            var configuration = DCGANConfiguration()
            for change in changes { change(&configuration) }
            let generator = try DCGANGenerator(configuration, for: images, backbone: backbone)
            let tensors = generator.layout.parameters + generator.discriminator.layout.parameters
            let game = AdversarialGame(
                real: backend.full(0, [2], .float64), generated: backend.full(0.5, [2], .float64),
                labels: try backend.tensor([0, 1] as [Int32], [2]), random: RandomStream(seed: 0),
                generator: [], discriminator: []
            ) { images, _, _ in images }
            return tensors.map { "\($0.name) \($0.shape)" }
                + ["\(try generator.generatorLoss(game).value.item())", "\(generator.training)"]
        }
        let native: (inout DCGANConfiguration) -> Void = { $0.discriminator = .native }
        let same: (inout DCGANConfiguration) -> Void = { _ in }
        typealias Change = (inout DCGANConfiguration) -> Void
        let settings: [(key: String, where: Change, change: Change)] = [
            ("noise", same, { $0.noise = 7 }), ("embedding", same, { $0.embedding = 7 }),
            ("channels", same, { $0.channels = 7 }), ("discriminator", same, native),
            ("discriminator_channels", native, { $0.discriminatorChannels = 7 }),
            ("loss", same, { $0.loss = .minimax }), ("training", same, { $0.training.criticSteps = 7 }),
        ]
        #expect(Set(settings.map(\.key)) == Set(DCGANConfiguration.fields.map(\.key)))
        for (key, place, change) in settings { #expect(try made(place) != made(place, change), "\(key)") }
    }

    /// Two classes, one bright and one dark: after some steps the generated images tell them apart.
    @Test func learnsTheClasses() throws {
        let backend = try CPUBackend(threads: 2)
        let specification = ImageSpecification(height: 8, width: 8, channels: 1, classes: 2)
        var configuration = DCGANConfiguration()
        (configuration.noise, configuration.embedding) = (8, 8)
        (configuration.channels, configuration.discriminatorChannels) = (16, 16)
        configuration.discriminator = .native
        let generator = try DCGANGenerator(
            configuration, for: specification,
            backbone: CellSearchSpace().supernet(for: specification).backbone)
        var g = try generator.layout.initialState(on: backend, .float32, from: RandomStream(seed: 1))
        var h = try generator.discriminator.layout.initialState(
            on: backend, .float32, from: RandomStream(seed: 2))
        let adam = Adam(beta1: 0.5)
        var (gMoments, hMoments) = (OptimizerState(), OptimizerState())
        let labels = try backend.tensor((0..<32).map { Int32($0 % 2) }, [32])
        let brightness = try labels.oneHot(2, .float32).sliced(axis: 1, from: 1, count: 1) * 1.2 - 0.6
        for step in 0..<150 {
            let stream = RandomStream(seed: 3, step: UInt64(step))
            let real =
                try backend.normal([32, 8, 8, 1], .float32, from: stream.derived("real")) * 0.1
                + brightness.reshaped(to: [32, 1, 1, 1])
            let noise = try generator.noise(32, .float32, on: backend, from: stream.derived("noise"))
            let (gv, hv) = (g.variables, h.variables)
            let fake = try generator.images(noise: noise, labels: labels, ForwardContext(gv))
            let game = AdversarialGame(
                real: real, generated: fake, labels: labels, random: stream, generator: gv.parameters,
                discriminator: hv.parameters
            ) { images, labels, _ in
                try generator.discriminator.scores(
                    images, labels: labels, architecture: [], ForwardContext(hv))
            }
            let hLoss = try generator.discriminatorLoss(game).value
            let gLoss = try generator.generatorLoss(game).value
            let hGradients = try gradients(of: hLoss, withRespectTo: hv.parameters)
            let gGradients = try gradients(of: gLoss, withRespectTo: gv.parameters)
            (h.parameters, hMoments) = try adam.step(
                h.parameters, gradients: hGradients, state: hMoments, rate: 2e-3)
            (g.parameters, gMoments) = try adam.step(
                g.parameters, gradients: gGradients, state: gMoments, rate: 2e-3)
        }
        let images = try generator.images(
            noise: generator.noise(32, .float32, on: backend, from: RandomStream(seed: 9)), labels: labels,
            ForwardContext(g))
        let means = try images.mean(axes: [1, 2, 3]).doubles()
        let bright = stride(from: 1, to: 32, by: 2).map { means[$0] }.reduce(0, +) / 16
        let dark = stride(from: 0, to: 32, by: 2).map { means[$0] }.reduce(0, +) / 16
        #expect(bright > 0.2 && dark < -0.2, "bright \(bright), dark \(dark)")
    }
}
