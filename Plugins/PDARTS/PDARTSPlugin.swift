import Cells
import ErrataCore

/// Adds the search space `p-darts`: ever deeper, with ever fewer candidates (Chen et al., 2019).
public struct PDARTSPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init(
                "p-darts",
                "DARTS in three stages, ever deeper, with ever fewer operations (Chen et al., 2019)",
                defaults: .progressive
            ) { settings, _ in try CellSearchSpace(settings) })
    }
}

extension CellSpaceSettings {
    /// The values of P-DARTS's published code, with the dropout of its commands: 5, 11 and 17 cells; 8, 5 and 3
    /// operations on an edge.
    public static var progressive: CellSpaceSettings {
        var settings = CellSpaceSettings()
        settings.cells = 5
        settings.stages = [
            CellSpaceStage(skipDropout: 0.1),
            CellSpaceStage(addedCells: 6, candidates: 5, skipDropout: 0.4),
            CellSpaceStage(addedCells: 12, candidates: 3, skipDropout: 0.7),
        ]
        settings.normalSkips = 2
        return settings
    }
}
