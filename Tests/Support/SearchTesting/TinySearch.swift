import Bilevel
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

/// A search so small that a step takes milliseconds, with every part of a large one: by default learning from
/// mistakes on DARTS's space with DCGAN, images 8×8.
public struct TinySearch: Sendable {
    public static let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)

    public var backend: any Backend
    public var dtype = DType.float64
    public var seed: UInt64 = 7
    public var space = CellSpaceSettings()
    /// What is made of the space.
    public var widened: @Sendable (CellSearchSpace) -> any SearchSpace = { $0 }
    /// How classifiers descend, and how A does.
    public var weights = DescentSettings().descent
    public var architecture = DescentSettings.architecture.descent
    public var architectureWarmup = 0
    public var hypergradient: any Hypergradient = FirstOrderHypergradient()
    public var lfm = LFMSettings()
    /// In place of `lfm`.
    public var method: (@Sendable (MethodContext) throws -> any SearchMethod)?
    public var weighter: any ClassWeighter = ValidationLossWeighter()
    public var dcgan = DCGANConfiguration()
    /// In place of `dcgan`.
    public var generator: (@Sendable (GeneratorContext) throws -> any ConditionalGenerator)?
    public var augmentation = Augmentation(cropPadding: 1, horizontalFlip: true)
    public var trainingCounts = [30, 10, 2]
    public var communicator: any Communicator = Alone()
    /// The labels of a batch of D_tr, and of D_val at a step.
    public var trainingLabels: [Int32] = [0, 1, 2, 1, 0, 2]
    public var validationLabels: @Sendable (_ step: Int) -> [Int32] = { _ in [0, 1, 2, 1, 0, 2] }

    public static let fromTanh = ChannelMap(scale: [0.8], offset: [-0.1])

    /// - Parameter backend: by default a CPU's of so many threads.
    public init(
        on backend: (any Backend)? = nil, threads: Int = 1, _ change: (inout Self) -> Void = { _ in }
    ) throws {
        self.backend = try backend ?? CPUBackend(threads: threads)
        (space.channels, space.cells, space.nodes) = (2, 3, 2)
        (dcgan.noise, dcgan.embedding, dcgan.channels, dcgan.discriminatorChannels) = (4, 3, 4, 4)
        change(&self)
    }

    /// Makes it the plain search.
    public mutating func bilevel(_ change: (inout BilevelSettings) -> Void = { _ in }) {
        var settings = BilevelSettings()
        change(&settings)
        method = { [settings] in BilevelMethod(settings, supernet: $0.supernet, weights: $0.weights) }
    }

    /// The search that the settings describe.
    public func search() throws -> ArchitectureSearch {
        let space = try widened(CellSearchSpace(space))
        let supernet = try space.supernet(for: Self.images)
        let context = MethodContext(
            images: Self.images, trainingCounts: trainingCounts, supernet: supernet, weights: weights,
            fromTanh: Self.fromTanh,
            augmentation: augmentation, makeGenerator: { try makeGenerator(backbone: supernet.backbone) },
            makeWeighter: { weighter })
        return try ArchitectureSearch(
            space: space, supernet: supernet, method: method?(context) ?? LFMMethod(lfm, context),
            hypergradient: hypergradient, images: Self.images, architecture: architecture,
            seed: seed, communicator: communicator)
    }

    public func makeGenerator(backbone: any Backbone) throws -> any ConditionalGenerator {
        try generator?(GeneratorContext(images: Self.images, backbone: backbone))
            ?? DCGANGenerator(dcgan, for: Self.images, backbone: backbone)
    }

    public func initialState() throws -> SearchState { try search().initialState(on: backend, dtype) }

    /// Images of noise, of a label and number of their own.
    public func batch(_ label: String, _ number: Int, labels: [Int32]) throws -> Batch {
        let raw = try backend.normal(
            [labels.count, Self.images.height, Self.images.width, Self.images.channels], dtype,
            from: RandomStream(seed: seed, label, step: UInt64(number))
        ).tanh()
        return Batch(
            images: try Self.fromTanh(raw), originals: raw,
            labels: try backend.tensor(labels, [labels.count]))
    }

    /// The batches that a method asks for at a step, no two of them the same.
    public func batches(_ step: Int) throws -> StepBatches {
        var batches: [String: [Batch]] = [:]
        for request in try search().method.batches {
            batches[request.name] = try (0..<request.count).map {
                try batch(
                    request.name, step * request.count + $0,
                    labels: request.part == .training ? trainingLabels : validationLabels(step))
            }
        }
        return StepBatches(batches)
    }

    public func time(_ step: Int, epoch: Int = 0) -> TrainingTime {
        TrainingTime(
            epoch: epoch, epochs: 4, warmup: architectureWarmup, step: step, stepOfEpoch: step,
            stepsPerEpoch: 10)
    }

    /// Takes a step.
    ///
    /// - Returns: what it reports.
    @discardableResult
    public func step(_ state: inout SearchState, epoch: Int = 0) throws -> [String: Double] {
        try search().step(&state, on: batches(state.step), at: time(state.step, epoch: epoch))
    }

    /// The states after each of so many steps.
    public func run(_ steps: Int, from start: SearchState? = nil, epoch: (Int) -> Int = { _ in 0 }) throws
        -> [SearchState]
    {
        var state = try start ?? initialState()
        return try (0..<steps).map { _ in
            try step(&state, epoch: epoch(state.step))
            return state
        }
    }

    /// The multilevel problem of the step that is next.
    public func problem(_ state: SearchState) throws -> MultilevelProblem {
        try search().problem(state, batches(state.step), time(state.step))
    }
}

extension SearchState {
    public func alphas() throws -> [[Double]] {
        try architecture.state.parameters.map { try $0.doubles() }
    }

    /// All numbers of the architecture and of every model.
    public func everything() throws -> [[Double]] {
        var tensors = architecture.state.parameters
        for (_, model) in models.sorted(by: { $0.key < $1.key }) {
            tensors += model.state.parameters + model.state.buffers
            tensors += model.optimizer.slots.flatMap(\.self) + (model.average ?? [])
        }
        return try tensors.map { try $0.doubles() }
    }

    /// The same state in another precision.
    public func cast(to dtype: DType) throws -> SearchState {
        func cast(_ tensors: [Tensor]) throws -> [Tensor] { try tensors.map { try $0.cast(to: dtype) } }
        func cast(_ model: Model) throws -> Model {
            Model(
                layout: model.layout,
                state: ModelState(
                    parameters: try cast(model.state.parameters), buffers: try cast(model.state.buffers)),
                optimizer: OptimizerState(
                    slots: try model.optimizer.slots.map(cast), count: model.optimizer.count),
                average: try model.average.map(cast))
        }
        var result = self
        result.architecture = try cast(architecture)
        result.models = try models.mapValues(cast)
        return result
    }
}
