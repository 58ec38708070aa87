import Cells
import ErrataCore

/// Adds the search space `darts`, the settings' own defaults, and `s1` to `s4`, which have fewer candidates.
public struct DARTSPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init(
                "darts", "cells of eight operations (Liu, Simonyan and Yang, 2019)",
                configuration: CellSpaceSettings.self
            ) { settings, _ in try CellSearchSpace(settings) })
        for space in CellSpaceSettings.reduced {
            try registry.searchSpaces.add(
                .init(space.name, "\(space.summary) (Zela et al., 2020)", defaults: space.settings) {
                    settings, _ in try CellSearchSpace(settings)
                })
        }
    }
}
