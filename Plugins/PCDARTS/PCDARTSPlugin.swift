import Cells
import ErrataCore

/// Adds the search space `pc-darts`: partial channels and edge weights (Xu et al., 2020).
public struct PCDARTSPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init(
                "pc-darts", "DARTS on a part of the channels, with edge weights (Xu et al., 2020)",
                defaults: .partial
            ) { settings, _ in try CellSearchSpace(settings) })
    }
}

extension CellSpaceSettings {
    /// The values of PC-DARTS for CIFAR: a fourth of the channels goes through the operations.
    public static var partial: CellSpaceSettings {
        var settings = CellSpaceSettings()
        settings.partialChannels = 4
        settings.edgeWeights = true
        return settings
    }
}
