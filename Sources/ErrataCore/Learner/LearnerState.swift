import NeuralNetworks
import TensorEngine

/// A model's values and its optimiser's: all that its training has come to.
public struct TrainedModel: Sendable {
    public let layout: ModelLayout
    public var state: ModelState
    public var rule: InnerOptimizer.Rule

    public init(layout: ModelLayout, state: ModelState, rule: InnerOptimizer.Rule) {
        self.layout = layout
        self.state = state
        self.rule = rule
    }
}

/// All that a search has come to. A search goes on from it to the same bits as if it had never stopped.
public struct LearnerState: Sendable {
    public var architecture: TrainedModel
    /// `w2`, and with learning from mistakes `w1`, `generator` and `discriminator`.
    public var players: [String: TrainedModel]
    /// The running mean of each class's validation loss.
    public var estimates: ClassEstimates
    /// Steps taken.
    public var step = 0

    public init(architecture: TrainedModel, players: [String: TrainedModel], estimates: ClassEstimates) {
        self.architecture = architecture
        self.players = players
        self.estimates = estimates
    }
}
