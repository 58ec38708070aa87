import ErrataCore

/// The network that a genotype of cells is evaluated as (DARTS, section 3.2).
public struct CellNetworkSettings: Configuration, Hashable {
    public var channels = 36
    public var cells = 20
    public var stem = StemKind.cifar
    public var auxiliary = true
    public var auxiliaryWeight = 0.4
    /// Whether batch norm follows the auxiliary head's last convolution; nil for what DARTS's code does.
    public var auxiliaryNorm: Bool?
    public var dropPath = 0.3

    public init() {}

    public init(
        channels: Int, cells: Int, stem: StemKind = .cifar, auxiliary: Bool = true,
        auxiliaryWeight: Double = 0.4, auxiliaryNorm: Bool? = nil, dropPath: Double = 0.3
    ) {
        self.channels = channels
        self.cells = cells
        self.stem = stem
        self.auxiliary = auxiliary
        self.auxiliaryWeight = auxiliaryWeight
        self.auxiliaryNorm = auxiliaryNorm
        self.dropPath = dropPath
    }

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("channels", \.channels, "channels of the first cells' nodes", .within(1...4096)),
            .init(
                "cells", \.cells, "cells of the network, at least 3; reductions at 1/3 and 2/3",
                .within(1...1000)),
            .init("stem", \.stem, "one convolution, or ImageNet's three of stride 2"),
            .init("auxiliary", \.auxiliary, "an auxiliary head at two thirds of the depth"),
            .init(
                "auxiliary_weight", \.auxiliaryWeight, "the weight of the auxiliary head's loss", .atLeast(0)),
            .init(
                "auxiliary_norm", \.auxiliaryNorm,
                "batch norm after the auxiliary head's last convolution; null: where DARTS's code has it, with the "
                    + "cifar stem"),
            .init(
                "drop_path", \.dropPath, "the probability of dropping a path in the last epoch, grown from 0",
                .within(0..<1)),
        ]
    }
}
