import Adversarial
import CPUEngine
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing
import TinySpaces

@Suite("What adversarial generators share")
struct AdversarialTests {
    private let backend: CPUBackend
    private let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)

    init() throws { backend = try CPUBackend(threads: 1) }

    @Test("A projection head scores wᵀφ + b + e_yᵀφ")
    func projection() throws {
        let builder = LayoutBuilder()
        let head = ProjectionHead(
            builder.root, features: 2, classes: 3, embedding: .normal(mean: 0, deviation: 1))
        #expect(builder.layout.parameters.map(\.name) == ["score.weight", "score.bias", "classes.table"])
        let context = ForwardContext(
            ModelState(
                parameters: [
                    try backend.tensor([2.0, -1], [2, 1]), try backend.tensor([0.5], [1]),
                    try backend.tensor([1.0, 0, 0, 1, 3, 4], [3, 2]),
                ], buffers: []))
        let scores = try head(
            backend.tensor([1.0, 2, 1, 2, 5, 6], [3, 2]), labels: backend.tensor([1, 2, 0] as [Int32], [3]),
            context)
        #expect(try scores.doubles() == [0.5 + 2, 0.5 + 11, 4.5 + 5])
    }

    @Test("The paper's discriminator is the backbone with A and H, and a projection")
    func backbone() throws {
        let space = ChainSpace()
        let backbone = try space.supernet(for: images).backbone
        let discriminator = BackboneDiscriminator(backbone, classes: images.classes)
        #expect(discriminator.dependsOnArchitecture)
        let state = try discriminator.layout.initialState(on: backend, .float64, from: RandomStream(seed: 1))
        let architecture = try space.architecture.initialState(
            on: backend, .float64, from: RandomStream(seed: 2)
        ).parameters.map(\.variable)
        let x = backend.normal([4, 8, 8, 1], .float64, from: RandomStream(seed: 3))
        let labels = try backend.tensor([0, 1, 2, 1] as [Int32], [4])
        let scores = try discriminator.scores(
            x, labels: labels, architecture: architecture, ForwardContext(state))
        #expect(scores.shape == [4])
        #expect(
            try gradients(of: scores.sum(), withRespectTo: architecture)[0].doubles().contains { $0 != 0 })

        // The backbone by itself, and the projection by hand.
        let builder = LayoutBuilder()
        let extractor = backbone.declare(in: builder.root)
        let names = discriminator.layout.parameters.map(\.name)
        #expect(
            names == builder.layout.parameters.map { "backbone.\($0.name)" }
                + ["score.weight", "score.bias", "classes.table"])
        let count = builder.layout.parameters.count
        let features = try extractor(
            x, architecture: architecture,
            ForwardContext(
                ModelState(parameters: Array(state.parameters.prefix(count)), buffers: state.buffers)))
        let (weight, bias, table) = (
            state.parameters[count], state.parameters[count + 1], state.parameters[count + 2]
        )
        let expected =
            try features.matmul(weight).reshaped(to: [4]) + bias
            + (features * labels.oneHot(3, .float64).matmul(table)).sum(axes: [1])
        #expect(try zip(scores.doubles(), expected.doubles()).allSatisfy { abs($0 - $1) < 1e-13 })
    }

    @Test("H descends −log D(x) − log(1 − D(G(z))), G −log D(G(z)) or log(1 − D(G(z)))")
    func losses() throws {
        let scores = (real: [0.3, -2], generated: [1.5, -0.7])
        func tensor(_ values: [Double]) throws -> Tensor { try backend.tensor(values, [2]) }
        let game = AdversarialGame(
            real: try tensor(scores.real), generated: try tensor(scores.generated),
            labels: try backend.tensor([0, 1] as [Int32], [2]), random: RandomStream(seed: 0), generator: [],
            discriminator: []
        ) { images, _, _ in images }
        func mean(_ values: [Double], _ term: (Double) -> Double) -> Double {
            values.map(term).reduce(0, +) / Double(values.count)
        }
        func softplus(_ x: Double) -> Double { log1p(exp(x)) }
        let real = mean(scores.real) { softplus(-$0) }
        let generated = mean(scores.generated, softplus)
        for loss in AdversarialLoss.allCases {
            #expect(abs(try loss.discriminatorLoss(game).value.item() - real - generated) < 1e-14)
        }
        let nonSaturating = mean(scores.generated) { softplus(-$0) }
        #expect(
            abs(try AdversarialLoss.nonSaturating.generatorLoss(game).value.item() - nonSaturating) < 1e-14)
        #expect(abs(try AdversarialLoss.minimax.generatorLoss(game).value.item() + generated) < 1e-14)
    }

    @Test(
        "Sizes halve while both extents are even and above 4",
        arguments: [
            ([32, 32], [3, 4, 4]), ([8, 8], [1, 4, 4]), ([28, 28], [2, 7, 7]), ([48, 32], [3, 6, 4]),
            ([12, 12], [2, 3, 3]), ([6, 100], [1, 3, 50]), ([34, 34], [1, 17, 17]),
        ])
    func halvings(_ size: [Int], _ expected: [Int]) throws {
        let found = try Halvings(
            of: ImageSpecification(height: size[0], width: size[1], channels: 1, classes: 2), for: "test")
        #expect([found.count, found.height, found.width] == expected)
    }

    @Test(
        "A resampled convolution is a convolution and a mean over 2×2 pixels, or each pixel four times and a convolution",
        arguments: [1, 3, 5])
    func resampling(_ kernel: Int) throws {
        let x = backend.normal([2, 4, 6, 3], .float64, from: RandomStream(seed: 1))
        func layer(_ resampling: ResampledConvolution.Resampling) throws -> (
            y: Tensor, weight: Tensor, bias: Tensor
        ) {
            let builder = LayoutBuilder()
            let layer = ResampledConvolution(
                builder.root, inputs: 3, outputs: 2, kernel: kernel, resampling: resampling,
                initializer: .normal(mean: 0, deviation: 1))
            var state = try builder.layout.initialState(on: backend, .float64, from: RandomStream(seed: 2))
            #expect(try state.parameters[1].doubles() == [0, 0])
            state.parameters[1] = try backend.tensor([0.5, -2], [2])
            return (try layer(x, ForwardContext(state)), state.parameters[0], state.parameters[1])
        }
        let geometry = ConvolutionGeometry(padding: kernel / 2)
        func near(_ a: Tensor, _ b: Tensor) throws -> Bool {
            try a.shape == b.shape && zip(a.doubles(), b.doubles()).allSatisfy { abs($0 - $1) < 1e-12 }
        }
        let plain = try layer(.none)
        #expect(try near(plain.y, x.convolution(plain.weight, geometry) + plain.bias))
        let down = try layer(.down)
        #expect(
            try near(
                down.y,
                x.convolution(down.weight, geometry).averagePool(
                    PoolingWindow(size: 2, stride: 2, padding: 0))
                    + down.bias))
        let up = try layer(.up)
        // Stride 1, so that a transposed convolution is a convolution by the kernel turned around.
        let large = try x.transposedConvolution(
            backend.full(1, [2, 2, 1, 1], .float64).broadcast(to: [2, 2, 3, 3])
                * backend.tensor([0, 1, 2] as [Int32], [3]).oneHot(3, .float64),
            ConvolutionGeometry(stride: 2))
        #expect(large.shape == [2, 8, 12, 3])
        #expect(try near(up.y, large.transposedConvolution(up.weight, geometry) + up.bias))
    }
}
