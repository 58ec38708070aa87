import Datasets
import Multilevel
import NeuralNetworks
import TensorEngine

/// The step of a search that is about to be taken: what a method describes as a multilevel problem.
public struct SearchStep: Sendable {
    public let state: SearchState
    public let batches: StepBatches
    public let time: TrainingTime
    public let seed: UInt64
    /// The processes that share the batches.
    public let communicator: any Communicator

    public init(
        _ state: SearchState, _ batches: StepBatches, at time: TrainingTime, seed: UInt64,
        communicator: any Communicator = Alone()
    ) {
        self.state = state
        self.batches = batches
        self.time = time
        self.seed = seed
        self.communicator = communicator
    }

    /// The random numbers of one purpose on one occasion of this step.
    public func random(_ label: String, on occasion: Occasion) -> RandomStream {
        let stream = RandomStream(seed: seed, label, step: UInt64(state.step))
        guard occasion != Occasion() else { return stream }
        return [occasion.levelStep, occasion.playerStep, occasion.part, occasion.rank]
            .reduce(stream) { $0.derived(UInt64($1)) }
    }

    /// A model at values of the problem, as it is trained.
    ///
    /// - Parameters:
    ///   - id: the model's.
    ///   - values: of the problem; buffers and the occasion are read from them.
    ///   - parameters: by default the model's value at that point.
    ///   - purpose: what the pass is part of.
    ///   - updates: where its buffers' updates go.
    public func context(
        _ id: ValueID, _ values: Values, parameters: [Tensor]? = nil, purpose: PassPurpose = .training,
        updates: BufferUpdates? = nil
    ) -> ForwardContext {
        ForwardContext(
            ModelState(
                parameters: parameters ?? values[id],
                buffers: values.buffers[id] ?? state[id].state.buffers),
            purpose: purpose, time: time, random: random("\(id) masks", on: values.occasion),
            updates: updates,
            checkpointing: values.checkpointing)
    }

    /// A declared model as a player.
    ///
    /// - Parameters:
    ///   - model: one of the method's.
    ///   - steps: for one of its level.
    ///   - accumulation: evaluations that one step averages.
    ///   - dependencies: what the objective reads besides the model itself.
    ///   - objective: what it descends.
    public func player(
        _ model: ModelDeclaration, steps: Int = 1, accumulation: Int = 1, dependencies: [Dependency],
        objective: @escaping Objective.Function
    ) -> Player {
        let present = state[model.id]
        return Player(
            model.id, parameters: present.state.parameters, buffers: present.state.buffers,
            descent: model.descent.step(present.optimizer, at: time), steps: steps,
            accumulation: accumulation, dependencies: dependencies, objective: objective)
    }

    /// A multilevel problem whose architecture is the state's.
    public func problem(_ stages: [MultilevelProblem.Stage], outer: Objective) -> MultilevelProblem {
        MultilevelProblem(
            architecture: state.architecture.state.parameters, stages: stages, outer: outer,
            communicator: communicator)
    }

    /// The logits [N, classes] of a supernet on images that its weights train on, A perturbed where the supernet says so.
    ///
    /// - Parameters:
    ///   - supernet: what is applied.
    ///   - images: of the batch.
    ///   - values: of the problem.
    ///   - context: of the pass.
    ///   - loss: what the weights descend of these logits.
    public func trainingLogits(
        of supernet: any Supernet, _ images: Tensor, _ values: Values, _ context: ForwardContext,
        descending loss: (_ logits: Tensor) throws -> Tensor
    ) throws -> Tensor {
        let architecture = try supernet.perturbed(values.architecture, context) { architecture, context in
            try loss(supernet.logits(images.detached, architecture: architecture, context))
        }
        return try supernet.logits(images, architecture: architecture, context)
    }

    /// The mean cross-entropy of a supernet with one model's weights on a batch, with its accuracy as a metric where
    /// one is named.
    ///
    /// - Parameters:
    ///   - supernet: what is applied.
    ///   - id: the model whose weights are taken.
    ///   - batch: of images and labels.
    ///   - values: of the problem.
    ///   - keepsBuffers: whether this pass is part of the model's own training.
    ///   - accuracy: the metric's name.
    public func crossEntropy(
        of supernet: any Supernet, _ id: ValueID, on batch: Batch, _ values: Values, keepsBuffers: Bool,
        accuracy: String? = nil
    ) throws -> Evaluation {
        let updates = BufferUpdates()
        let context = context(id, values, purpose: keepsBuffers ? .training : .judging, updates: updates)
        let logits =
            try keepsBuffers
            ? trainingLogits(of: supernet, batch.images, values, context) {
                try $0.crossEntropy(batch.labels)
            }
            : supernet.logits(batch.images, architecture: values.architecture, context)
        var result = Evaluation(try logits.crossEntropy(batch.labels))
        if keepsBuffers { result.updates[id] = updates }
        if let accuracy, values.isObserved {
            result.metrics[accuracy] =
                Double(try logits.detached.correctCount(batch.labels)) / Double(batch.count)
        }
        return result
    }
}
