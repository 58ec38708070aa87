import Cells
import ErrataCore

/// The size of the DARTS supernet, and what its edges choose from.
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
    /// The operations on every edge, in the order of A's columns; nil for all that the space has.
    public var operations: [OperationName]?

    public init() {}
}

extension DARTSConfiguration: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("channels", \.channels, "channels of the first cells' nodes", .within(1...4096)),
            .init(
                "cells", \.cells, "cells of the supernet, at least 3; reductions at 1/3 and 2/3",
                .within(1...1000)),
            .init("nodes", \.nodes, "nodes of a cell, with an edge from every state before", .within(1...8)),
            .init(
                "stem_multiplier", \.stemMultiplier, "the stem's channels, in the first cells'",
                .within(1...64)),
            .init(
                "initial_deviation", \.initialDeviation,
                "the standard deviation of the first architecture parameters", .atLeast(0)),
            .init(
                "operations", \.operations,
                "the operations that an edge chooses from, none included; null for all", ifGiven: .notEmpty),
        ]
    }
}

/// Adds the search space `darts`.
public struct DARTSPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init(
                "darts", "cells of eight operations (Liu, Simonyan and Yang, 2019)",
                configuration: DARTSConfiguration.self
            ) { settings, _ in try DARTSSearchSpace(settings) })
    }
}
