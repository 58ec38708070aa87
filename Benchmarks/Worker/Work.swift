import CPUEngine
import DARTS
import DCGAN
import Datasets
import ErrataCore
import NeuralNetworks
import TensorEngine

/// A unit of work that is timed.
struct Work {
    let parameters: Int
    let run: () throws -> Void

    init(named name: String, on backend: CPUBackend, batch: Int?) throws {
        switch name {
        case "supernet-step", "supernet-memory", "threads":
            self = try .supernetStep(on: backend, batch: batch ?? 64)
        case "evaluation-step": self = try .evaluationStep(on: backend, batch: batch ?? 96)
        case "inference": self = try .inference(on: backend, batch: batch ?? 128)
        case "lfm-step", "lfm-step-composed":
            self = try .lfmStep(FirstOrderHypergradient(), on: backend, batch: batch ?? 64)
        case "lfm-exact": self = try .lfmStep(ExactHypergradient(), on: backend, batch: batch ?? 64)
        case "lfm-finite-difference":
            self = try .lfmStep(FiniteDifferenceHypergradient(), on: backend, batch: batch ?? 64)
        case "gradient": self = try .gradient(second: false, on: backend, batch: batch ?? 16)
        case "double-backward": self = try .gradient(second: true, on: backend, batch: batch ?? 16)
        case "sgemm": self = try .matrixProduct(on: backend)
        default: throw TensorError("benchmark", "no work is called '\(name)'")
        }
    }

    init(parameters: Int, run: @escaping () throws -> Void) {
        self.parameters = parameters
        self.run = run
    }

    private static let images = ImageSpecification(height: 32, width: 32, channels: 3, classes: 10)

    private static func batch(_ count: Int, on backend: CPUBackend) throws -> (images: Tensor, labels: Tensor)
    {
        let stream = RandomStream(seed: 1, "benchmark")
        let labels = (0..<count).map { Int32(stream.integer(below: 10, at: UInt64($0))) }
        return (
            backend.normal([count, 32, 32, 3], .float32, from: stream), try backend.tensor(labels, [count])
        )
    }

    /// The supernet at its paper's size, with first weights and architecture parameters.
    private static func search(on backend: CPUBackend) throws -> (any Supernet, ModelState, [Tensor]) {
        let space = DARTSSearchSpace()
        let supernet = try space.supernet(for: images)
        let stream = RandomStream(seed: 1)
        return (
            supernet, try supernet.layout.initialState(on: backend, .float32, from: stream),
            try space.architecture.initialState(on: backend, .float32, from: stream).parameters
        )
    }

    /// Forward, backward and SGD step of the supernet; its architecture parameters take part.
    private static func supernetStep(on backend: CPUBackend, batch count: Int) throws -> Work {
        let (supernet, initial, architecture) = try search(on: backend)
        var state = initial
        let (images, labels) = try batch(count, on: backend)
        let sgd = SGD(momentum: 0.9, weightDecay: 3e-4)
        var momentum = SGD.State()
        return Work(parameters: supernet.layout.parameterCount) {
            let variables = state.variables
            let alphas = architecture.map(\.variable)
            let recorder = StatisticsRecorder()
            let loss = try supernet.logits(
                images, architecture: alphas, ForwardContext(variables, recorder: recorder)
            ).crossEntropy(labels)
            let found = try gradients(
                of: loss, withRespectTo: variables.parameters + alphas, releasingGraph: true)
            let (gradients, _) = try clipped(Array(found.prefix(variables.parameters.count)), norm: 5)
            (state.parameters, momentum) = try sgd.step(
                state.parameters, gradients: gradients, state: momentum, rate: 0.025)
            state.statistics = recorder.updated(state.statistics)
        }
    }

    /// The gradient of the supernet's loss for its weights; or of its product with a vector for the architecture.
    private static func gradient(second: Bool, on backend: CPUBackend, batch count: Int) throws -> Work {
        let (supernet, state, architecture) = try search(on: backend)
        let (images, labels) = try batch(count, on: backend)
        let vector = state.parameters.enumerated().map {
            backend.normal($1.shape, .float32, from: RandomStream(seed: 2, "vector", step: UInt64($0)))
        }
        return Work(parameters: supernet.layout.parameterCount) {
            let variables = state.variables
            let alphas = architecture.map(\.variable)
            let gradient = try gradients(
                of: supernet.logits(images, architecture: alphas, ForwardContext(variables))
                    .crossEntropy(labels),
                withRespectTo: variables.parameters, createGraph: second, releasingGraph: !second)
            guard second else { return }
            _ = try gradients(
                of: gradient, withRespectTo: alphas, cotangents: vector, releasingGraph: true)
        }
    }

    /// A training step of the published DARTS_V2 network.
    private static func evaluationStep(on backend: CPUBackend, batch count: Int) throws -> Work {
        let network = try DARTSSearchSpace().network(.dartsV2, NetworkSettings(), for: images)
        var state = try network.layout.initialState(on: backend, .float32, from: RandomStream(seed: 1))
        let (images, labels) = try batch(count, on: backend)
        let sgd = SGD(momentum: 0.9, weightDecay: 3e-4)
        var momentum = SGD.State()
        return Work(parameters: network.layout.parameterCount) {
            let variables = state.variables
            let recorder = StatisticsRecorder()
            let (logits, auxiliary) = try network.logits(
                images, ForwardContext(variables, dropPathRate: 0.2, recorder: recorder))
            let loss = try logits.crossEntropy(labels) + auxiliary!.crossEntropy(labels) * 0.4
            let found = try gradients(of: loss, withRespectTo: variables.parameters, releasingGraph: true)
            let (gradients, _) = try clipped(found, norm: 5)
            (state.parameters, momentum) = try sgd.step(
                state.parameters, gradients: gradients, state: momentum, rate: 0.025)
            state.statistics = recorder.updated(state.statistics)
        }
    }

    private static func inference(on backend: CPUBackend, batch count: Int) throws -> Work {
        let network = try DARTSSearchSpace().network(.dartsV2, NetworkSettings(auxiliary: false), for: images)
        let state = try network.layout.initialState(on: backend, .float32, from: RandomStream(seed: 1))
        let (images, _) = try batch(count, on: backend)
        return Work(parameters: network.layout.parameterCount) {
            _ = try network.logits(images, ForwardContext(state, normalization: .running))
        }
    }

    /// A whole step of learning from mistakes, the discriminator on the supernet's backbone.
    private static func lfmStep(
        _ hypergradient: any Hypergradient, on backend: CPUBackend, batch count: Int
    ) throws -> Work {
        let space = DARTSSearchSpace()
        let supernet = try space.supernet(for: images)
        let learner = Learner(
            LearnerSettings(), space: space, supernet: supernet,
            generator: try DCGANGenerator(for: images, backbone: supernet.backbone),
            weighter: ValidationLossWeighter(), hypergradient: hypergradient, images: images,
            range: ChannelMap(scale: [1, 1, 1], offset: [0, 0, 0]), augmentation: .none, epochs: 50, seed: 1)
        var state = try learner.initialState(on: backend, .float32)
        let (images, labels) = try batch(count, on: backend)
        let data = Batch(images: images, originals: images, labels: labels)
        let parameters = state.players.values.reduce(0) { $0 + $1.layout.parameterCount }
        return Work(parameters: parameters) {
            _ = try learner.step(&state, on: .init(training: data, validation: data), epoch: 0)
        }
    }

    /// 137 GFLOP of matrix products: what the machine's arithmetic can do.
    private static func matrixProduct(on backend: CPUBackend) throws -> Work {
        let stream = RandomStream(seed: 1)
        let a = backend.normal([2048, 2048], .float32, from: stream)
        return Work(parameters: 0) { for _ in 0..<8 { _ = try a.matmul(a) } }
    }
}
