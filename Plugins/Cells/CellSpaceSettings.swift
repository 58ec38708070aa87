import ErrataCore

/// What the spaces of DARTS's kind differ in: the supernet's size, its candidates, partial channels, edge weights and
/// stages. The defaults are DARTS's.
public struct CellSpaceSettings: Configuration, Hashable {
    /// Channels of the first cells' nodes.
    public var channels = 16
    public var cells = 8
    /// Nodes of a cell, each of which adds up an edge from every state before it.
    public var nodes = 4
    public var stem = StemKind.cifar
    /// The stem's channels as a multiple of the first cells'.
    public var stemMultiplier = 3
    /// The standard deviation of the first architecture parameters.
    public var initialDeviation = 1e-3
    /// How architecture parameters become weights.
    public var relaxation = Choice<RelaxationKind>("softmax", SoftmaxRelaxation())
    /// What edges choose from, in the order of A's columns; nil for what the space chooses from by default.
    public var operations: EdgeCandidates?
    /// K: one channel of so many goes through the operations, the others pass by (Xu et al., 2020, section 3.2).
    public var partialChannels = 1
    /// Whether each edge has a weight of its own, β (Xu et al., 2020, Eq. 3).
    public var edgeWeights = false
    /// What each stage searches (Chen et al., 2019).
    public var stages = [CellSpaceStage()]
    /// How many skip connections the normal cell of a genotype has at most (Chen et al., 2019, section 3.3.2); nil
    /// for any number.
    public var normalSkips: Int?

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("channels", \.channels, "channels of the first cells' nodes", .within(1...4096)),
            .init(
                "cells", \.cells, "cells of the supernet, at least 3; reductions at 1/3 and 2/3",
                .within(1...1000)),
            .init("nodes", \.nodes, "nodes of a cell, with an edge from every state before", .within(1...8)),
            .init("stem", \.stem, "one convolution, or ImageNet's three of stride 2"),
            .init(
                "stem_multiplier", \.stemMultiplier, "the stem's channels, in the first cells'",
                .within(1...64)),
            .init(
                "initial_deviation", \.initialDeviation,
                "the standard deviation of the first architecture parameters", .atLeast(0)),
            .init("relaxation", \.relaxation, "how architecture parameters become weights"),
            .init(
                "operations", \.operations,
                "the operations that edges choose from, none included; null for all of the space's"),
            .init(
                "partial_channels", \.partialChannels,
                "K: one channel of K goes through the operations, the others pass by; 1 for all",
                .within(1...4096)),
            .init("edge_weights", \.edgeWeights, "weigh each edge into a node by a parameter of its own"),
            .init(
                "stages", \.stages, "what each stage searches, narrower than the one before", .notEmpty),
            .init(
                "normal_skips", \.normalSkips,
                "skip connections that a genotype's normal cell has at most; null for any number",
                ifGiven: .atLeast(0)),
        ]
    }
}

/// A stage of a progressive search (Chen et al., 2019).
public struct CellSpaceStage: Configuration, Hashable {
    /// Cells beyond those of the space.
    public var addedCells = 0
    /// Channels beyond those of the space.
    public var addedChannels = 0
    /// How many operations an edge chooses from: those left by the stage before, the strongest; nil for all.
    public var candidates: Int?
    /// How often an element of what a skip connection hands on is dropped at the stage's start.
    public var skipDropout = 0.0

    public init() {}

    public init(addedCells: Int = 0, addedChannels: Int = 0, candidates: Int? = nil, skipDropout: Double = 0)
    {
        self.addedCells = addedCells
        self.addedChannels = addedChannels
        self.candidates = candidates
        self.skipDropout = skipDropout
    }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("added_cells", \.addedCells, "cells beyond those of the space", .within(0...1000)),
            .init("added_channels", \.addedChannels, "channels beyond those of the space", .within(0...4096)),
            .init(
                "candidates", \.candidates,
                "operations that an edge chooses from, the strongest of the stage before; null for all",
                ifGiven: .atLeast(1)),
            .init(
                "skip_dropout", \.skipDropout,
                "the rate of dropout after a skip connection when the stage begins; it decays within the stage",
                .within(0..<1)),
        ]
    }
}
