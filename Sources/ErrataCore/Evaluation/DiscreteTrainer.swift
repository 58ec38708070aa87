import Datasets
import NeuralNetworks
import TensorEngine

/// How a found architecture is trained from scratch (DARTS, section 3.2).
public struct EvaluationSettings: Sendable, Hashable {
    public var network = NetworkSettings()
    public var auxiliaryWeight = 0.4
    /// The probability with which drop path drops in the last epoch; it grows linearly from 0.
    public var dropPath = 0.3
    public var labelSmoothing = 0.0
    public var weights = {
        var weights = WeightOptimization()
        weights.minimumRate = 0
        return weights
    }()

    public init() {}
}

/// Trains a network of a fixed architecture.
public struct DiscreteTrainer: Sendable {
    public let settings: EvaluationSettings
    public let network: any Classifier
    public let epochs: Int
    public let seed: UInt64

    public init(_ settings: EvaluationSettings, network: any Classifier, epochs: Int, seed: UInt64) {
        self.settings = settings
        self.network = network
        self.epochs = epochs
        self.seed = seed
    }

    /// The network before the first step.
    public func initialModel(on backend: any Backend, _ dtype: DType) throws -> TrainedModel {
        TrainedModel(
            layout: network.layout,
            state: try network.layout.initialState(
                on: backend, dtype, from: RandomStream(seed: seed, "initial network")),
            rule: .sgd(
                SGD(momentum: settings.weights.momentum, weightDecay: settings.weights.weightDecay), .init()))
    }

    /// The learning rate of an epoch.
    public func rate(epoch: Int) -> Double { settings.weights.schedule(epochs: epochs).rate(epoch: epoch) }

    /// One step of SGD on a batch.
    ///
    /// - Parameter step: of the whole training, from 0.
    /// - Returns: the loss before the step, auxiliary head and label smoothing included, and the accuracy.
    /// - Throws: `LearnerError` if the loss is no longer a number.
    public func step(_ model: inout TrainedModel, on batch: Batch, epoch: Int, step: Int) throws
        -> (loss: Double, accuracy: Double)
    {
        let variables = model.state.variables
        let recorder = StatisticsRecorder()
        let context = ForwardContext(
            variables, dropPathRate: settings.dropPath * Double(epoch) / Double(max(epochs, 1)),
            random: RandomStream(seed: seed, "masks", step: UInt64(step)), recorder: recorder)
        let (logits, auxiliary) = try network.logits(batch.images, context)
        var loss = try logits.crossEntropy(batch.labels, labelSmoothing: settings.labelSmoothing)
        if let auxiliary {
            loss =
                try loss
                + auxiliary.crossEntropy(batch.labels, labelSmoothing: settings.labelSmoothing)
                * settings.auxiliaryWeight
        }
        let value = try loss.item()
        guard value.isFinite else {
            throw LearnerError(
                "step \(step + 1): the loss is \(value); training has diverged. Lower the learning rate")
        }
        let optimizer = InnerOptimizer(model.rule, rate: rate(epoch: epoch), clip: settings.weights.clip)
        let (updated, next, norm) = try optimizer.step(
            model.state.parameters,
            gradients: gradients(of: loss, withRespectTo: variables.parameters, releasingGraph: true))
        if let norm = try norm?.item(), !norm.isFinite {
            throw LearnerError(
                "step \(step + 1): the gradient's norm is \(norm); training has diverged. Lower the learning rate"
            )
        }
        model.state.parameters = updated.map(\.detached)
        model.state.statistics = recorder.updated(model.state.statistics)
        model.rule = next.rule
        return (value, Double(try logits.detached.correctCount(batch.labels)) / Double(batch.labels.count))
    }

    /// Loss and accuracy with running statistics.
    public func performance(_ model: TrainedModel, on batches: any BatchSource) throws -> Performance {
        try Performance(of: batches) { images in
            try network.logits(images, ForwardContext(model.state, normalization: .running)).logits
        }
    }
}
