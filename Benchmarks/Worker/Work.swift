import CPUEngine
import Cells
import DARTS
import DCGAN
import Datasets
import ErrataCore
import LFM
import Multilevel
import NeuralNetworks
import TensorEngine

/// A unit of work that is timed.
struct Work {
    /// The numbers that the work learns, or the images that it loads: what tells whether two sides do the same.
    let parameters: Int
    /// What the network says at first, to compare with another implementation; empty where it is not compared.
    let logits: [Double]
    let run: () throws -> Void

    /// - Parameter argument: the images of a batch, or of data the folder they are in.
    init(named name: String, on backend: CPUBackend, _ argument: String?) throws {
        let batch = argument.flatMap { Int($0) }
        if let supernet = try SupernetWork.named(name) {
            self = try supernet.step(on: backend, batch: batch)
            return
        }
        switch name {
        case "data-cifar": self = try .cifar(argument ?? "", on: backend)
        case "data-imagenet": self = try .imageNet(argument ?? "", on: backend)
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

    init(parameters: Int, logits: [Double] = [], run: @escaping () throws -> Void) {
        self.parameters = parameters
        self.logits = logits
        self.run = run
    }

    private static let images = SupernetWork.colour

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
        let space = try CellSearchSpace()
        let supernet = try space.supernet(for: images)
        let stream = RandomStream(seed: 1)
        return (
            supernet, try supernet.layout.initialState(on: backend, .float32, from: stream),
            try space.architecture.initialState(on: backend, .float32, from: stream).parameters
        )
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
        let network = try CellSearchSpace().network(
            .dartsV2, CellNetworkSettings(channels: 36, cells: 20, dropPath: 0.2), for: images)
        var state = try network.layout.initialState(on: backend, .float32, from: RandomStream(seed: 1))
        let (images, labels) = try batch(count, on: backend)
        let sgd = SGD(momentum: 0.9, weightDecay: 3e-4)
        var momentum = OptimizerState()
        return Work(parameters: network.layout.parameterCount) {
            let variables = state.variables
            let updates = BufferUpdates()
            // The last of its epochs: drop path at its full rate.
            let loss = try network.trainingLoss(
                images, targets: Targets(labels),
                ForwardContext(variables, time: TrainingTime(epoch: 1, epochs: 1), updates: updates)
            ).loss
            let found = try gradients(of: loss, withRespectTo: variables.parameters, releasingGraph: true)
            let (gradients, _) = try clipped(found, norm: 5)
            (state.parameters, momentum) = try sgd.step(
                state.parameters, gradients: gradients, state: momentum, rate: 0.025)
            state.buffers = try updates.updated(state.buffers)
        }
    }

    private static func inference(on backend: CPUBackend, batch count: Int) throws -> Work {
        let network = try CellSearchSpace().network(
            .dartsV2, CellNetworkSettings(channels: 36, cells: 20, auxiliary: false), for: images)
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
        let space = try CellSearchSpace()
        let supernet = try space.supernet(for: images)
        let method = try LFMMethod(
            .init(),
            MethodContext(
                images: images, trainingCounts: [Int](repeating: 1, count: images.classes),
                supernet: supernet, weights: DescentSettings().descent,
                fromTanh: ChannelMap(scale: [1, 1, 1], offset: [0, 0, 0]),
                makeGenerator: { try DCGANGenerator(for: images, backbone: supernet.backbone) },
                makeWeighter: { ValidationLossWeighter() }))
        let search = try ArchitectureSearch(
            space: space, supernet: supernet, method: method, hypergradient: hypergradient, images: images,
            architecture: DescentSettings.architecture.descent, seed: 1)
        var state = try search.initialState(on: backend, .float32)
        let (pixels, labels) = try batch(count, on: backend)
        let data = Batch(images: pixels, originals: pixels, labels: labels)
        let batches = StepBatches(["training": [data], "validation": [data]])
        let parameters = state.models.values.reduce(0) { $0 + $1.layout.parameterCount }
        return Work(parameters: parameters) {
            _ = try search.step(&state, on: batches, at: TrainingTime(epochs: 50))
        }
    }

    /// 137 GFLOP of matrix products: what the machine's arithmetic can do.
    private static func matrixProduct(on backend: CPUBackend) throws -> Work {
        let stream = RandomStream(seed: 1)
        let a = backend.normal([2048, 2048], .float32, from: stream)
        return Work(parameters: 0) { for _ in 0..<8 { _ = try a.matmul(a) } }
    }
}
