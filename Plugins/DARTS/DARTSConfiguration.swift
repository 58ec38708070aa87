import ErrataCore

/// The size of the DARTS supernet.
public struct DARTSConfiguration: Sendable, Hashable {
    /// Channels of the first cells' nodes.
    public var channels = 16
    public var cells = 8
    /// Nodes of a cell, each of which adds up an edge from every state before it.
    public var nodes = 4
    /// The stem's channels as a multiple of the first cells'.
    public var stemMultiplier = 3
    /// The standard deviation of the first architecture parameters.
    public var initialDeviation = 1e-3

    public init() {}
}
