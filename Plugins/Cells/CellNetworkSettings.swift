import ErrataCore

/// The network that a genotype of cells is evaluated as (DARTS, section 3.2).
public struct CellNetworkSettings: Configuration, Hashable {
    public var channels = 36
    public var cells = 20
    public var auxiliary = true
    public var auxiliaryWeight = 0.4
    public var dropPath = 0.3

    public init() {}

    public init(
        channels: Int, cells: Int, auxiliary: Bool = true, auxiliaryWeight: Double = 0.4,
        dropPath: Double = 0.3
    ) {
        self.channels = channels
        self.cells = cells
        self.auxiliary = auxiliary
        self.auxiliaryWeight = auxiliaryWeight
        self.dropPath = dropPath
    }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("channels", \.channels, "channels of the first cells' nodes", .within(1...4096)),
            .init(
                "cells", \.cells, "cells of the network, at least 3; reductions at 1/3 and 2/3",
                .within(1...1000)),
            .init("auxiliary", \.auxiliary, "an auxiliary head at two thirds of the depth"),
            .init(
                "auxiliary_weight", \.auxiliaryWeight, "the weight of the auxiliary head's loss", .atLeast(0)),
            .init(
                "drop_path", \.dropPath, "the probability of dropping a path in the last epoch, grown from 0",
                .within(0..<1)),
        ]
    }
}
