import TensorEngine

/// What batch norm normalises by.
public enum NormalizationMode: Sendable, Hashable {
    /// The batch's own statistics.
    case batch
    /// The running estimates, as constants.
    case running
}

/// What a forward pass is part of.
public enum PassPurpose: String, Sendable, Hashable, CaseIterable {
    /// What the model's own weights descend.
    case training
    /// What the model is judged by while others learn: the loss that an architecture descends, or a class's weight.
    case judging
    /// Nothing that learns: how well the model does.
    case evaluation
}

/// Everything a model's forward pass depends on besides its input: the values it is applied with, the mode, the time,
/// and the random numbers it may draw.
public struct ForwardContext: Sendable {
    public internal(set) var state: ModelState
    public var normalization: NormalizationMode
    public var purpose: PassPurpose
    /// When in the training this pass is: what a growing dropout and the like depend on.
    public var time: TrainingTime
    public var random: RandomStream
    /// Where layers' updates of their buffers go; dropped where absent.
    public let updates: BufferUpdates?
    /// Which pass of `updates` this is.
    private let pass: Int
    /// Whether a model's `Checkpointed` parts are run again for each gradient instead of being kept: one part's
    /// graph at a time, for the price of another forward pass, and of another gradient in second derivatives.
    public var checkpointing: Bool

    public init(
        _ state: ModelState, normalization: NormalizationMode = .batch,
        purpose: PassPurpose = .training, time: TrainingTime = .init(),
        random: RandomStream = RandomStream(seed: 0), updates: BufferUpdates? = nil,
        checkpointing: Bool = false
    ) {
        self.init(
            state, normalization, purpose, time, random, updates, pass: updates?.beginPass() ?? 0,
            checkpointing)
    }

    private init(
        _ state: ModelState, _ normalization: NormalizationMode, _ purpose: PassPurpose,
        _ time: TrainingTime, _ random: RandomStream, _ updates: BufferUpdates?, pass: Int,
        _ checkpointing: Bool
    ) {
        self.state = state
        self.normalization = normalization
        self.purpose = purpose
        self.time = time
        self.random = random
        self.updates = updates
        self.pass = pass
        self.checkpointing = checkpointing
    }

    /// Whether the model is being trained: batch statistics, dropout.
    public var isTraining: Bool { normalization == .batch }

    /// The value of a parameter in this pass.
    public subscript(parameter: Parameter) -> Tensor { state.parameters[parameter.index] }
    /// The value of a buffer before this pass.
    public subscript(buffer: Buffer) -> Tensor { state.buffers[buffer.index] }

    /// What this pass makes of a buffer: a constant to differentiation, read by the next pass and kept after the
    /// step. Updating twice in one pass updates once, so that a pass that is computed again changes nothing.
    ///
    /// - Parameters:
    ///   - buffer: of a layer of this model.
    ///   - value: a function of this pass, of the buffer's shape; called when it is first read.
    public func update(_ buffer: Buffer, _ value: @escaping @Sendable () throws -> Tensor) {
        updates?.record(buffer, pass, value)
    }

    /// A pass beside this one that leaves nothing behind: of the same values as constants, by running statistics, with
    /// other random numbers.
    public func aside(_ label: String) -> ForwardContext {
        ForwardContext(
            ModelState(parameters: state.parameters.map(\.detached), buffers: state.buffers.map(\.detached)),
            normalization: .running, purpose: .judging, time: time, random: random.derived(label),
            checkpointing: checkpointing)
    }

    /// The context of another pass of the same step, as of a discriminator over real and then over generated images:
    /// it sees the buffers as the passes before have left them.
    ///
    /// - Throws: `TensorError` if an update has another shape than its buffer; what the updates throw.
    public func anotherPass() throws -> ForwardContext {
        guard let updates else { return self }
        let state = ModelState(
            parameters: state.parameters, buffers: try updates.updated(state.buffers))
        return ForwardContext(
            state, normalization, purpose, time, random, updates, pass: updates.beginPass(), checkpointing)
    }
}
