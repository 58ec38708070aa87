import Datasets
import NeuralNetworks
import TensorEngine

/// The training from scratch of a network of a fixed architecture, which tells how good that is.
public struct Retraining: Sendable {
    public let network: any Network
    /// How the weights descend.
    public let descent: Descent
    /// ε of (1 − ε)·one-hot + ε/classes.
    public let labelSmoothing: Double
    private let seed: UInt64

    public init(network: any Network, descent: Descent, labelSmoothing: Double, seed: UInt64) {
        self.network = network
        self.descent = descent
        self.labelSmoothing = labelSmoothing
        self.seed = seed
    }

    /// The network before the first step.
    ///
    /// - Throws: `TensorError` if the backend has no room for it.
    public func initialModel(on backend: any Backend, _ dtype: DType) throws -> Model {
        Model(
            layout: network.layout,
            state: try network.layout.initialState(
                on: backend, dtype, from: RandomStream(seed: seed, "initial network")))
    }

    /// One step of descent on a batch.
    ///
    /// - Returns: the training loss before the step, and the accuracy; of mixed images by the label of what the other is mixed into.
    /// - Throws: `SettingError` if the loss or the gradient is no longer a number; what the network throws.
    public func step(_ model: inout Model, on batch: Batch, at time: TrainingTime) throws
        -> (loss: Double, accuracy: Double)
    {
        let variables = model.state.variables
        let updates = BufferUpdates()
        let (loss, logits) = try network.trainingLoss(
            batch.images, targets: Targets(batch.labels, smoothing: labelSmoothing, mixed: batch.mixed),
            ForwardContext(
                variables, time: time, random: RandomStream(seed: seed, "masks", step: UInt64(time.step)),
                updates: updates))
        let value = try loss.item()
        try requireFinite(value, "loss", at: time)
        let (parameters, optimizer, norm) = try descent.step(model.optimizer, at: time)(
            model.state.parameters,
            gradients: gradients(of: loss, withRespectTo: variables.parameters, releasingGraph: true))
        if let norm { try requireFinite(norm.item(), "gradient's norm", at: time) }
        model.state.parameters = parameters.map(\.detached)
        model.state.buffers = try updates.updated(model.state.buffers)
        model.optimizer = optimizer
        return (value, Double(try logits.detached.correctCount(batch.labels)) / Double(batch.labels.count))
    }

    private func requireFinite(_ value: Double, _ name: String, at time: TrainingTime) throws {
        guard value.isFinite else {
            throw SettingError(
                "evaluation.weights.rate",
                "step \(time.step + 1): the \(name) is \(value); training has diverged. Lower the learning "
                    + "rate (\(descent.rate))")
        }
    }

    /// How well the network does with running statistics.
    ///
    /// - Throws: what the network and the batches throw.
    public func performance(_ model: Model, on batches: any BatchSource, classes: Int) throws -> Performance {
        try Performance(of: batches, classes: classes) { images in
            try network.logits(images, ForwardContext(model.state, normalization: .running))
        }
    }
}
