import Cells
import ErrataCore

/// Adds the search space `darts`: the settings' own defaults.
public struct DARTSPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init(
                "darts", "cells of eight operations (Liu, Simonyan and Yang, 2019)",
                configuration: CellSpaceSettings.self
            ) { settings, _ in try CellSearchSpace(settings) })
    }
}
