import Cells
import DARTS
import PluginTesting
import TinySpaces

extension ChainSpace: OneHotSpace {
    public var supernetSized: ChainNetworkSettings {
        var settings = ChainNetworkSettings()
        settings.channels = 4
        return settings
    }

    public func oneHot(_ genotype: ChainGenotype) -> [[Double]]? {
        [genotype.layers.flatMap { chosen in ChainOperation.allCases.map { $0 == chosen ? 1000 : 0 } }]
    }

    public func supernetParameter(for parameter: String, of genotype: ChainGenotype) -> String? {
        var path = parameter.split(separator: ".").map(String.init)
        if path[0] == "layers", let layer = Int(path[1]) {
            path.insert(genotype.layers[layer].rawValue, at: 2)
        }
        return path.joined(separator: ".")
    }
}

/// Of the same operations on all edges; without pools, whose batch norm in a search derived networks do not have
/// (DARTS, published code), without noise, which each draws for itself, and without what passes by the operations.
extension CellSearchSpace: OneHotSpace {
    public var supernetSized: CellNetworkSettings {
        CellNetworkSettings(
            channels: settings.channels, cells: settings.cells, auxiliary: false, dropPath: 0)
    }

    public func oneHot(_ genotype: CellGenotype) -> [[Double]]? {
        let operations = candidates[.normal]!.edges[0].map(\.name)
        guard !settings.edgeWeights, settings.partialChannels == 1,
            candidates.values.allSatisfy({ $0.edges.allSatisfy { $0.map(\.name) == operations } }),
            !operations.contains(where: { $0.contains("pool") || $0 == "noise" })
        else { return nil }
        return CellKind.allCases.map { kind in
            genotype[kind].nodes.enumerated().flatMap { node, edges in
                (0..<(node + 2)).flatMap { state in
                    let chosen = edges.first { $0.input == state }?.operation ?? "none"
                    return operations.map { $0 == chosen ? 1000.0 : 0 }
                }
            }
        }
    }

    public func supernetParameter(for parameter: String, of genotype: CellGenotype) -> String? {
        let path = parameter.split(separator: ".").map(String.init)
        guard path[0] == "cells", let cell = Int(path[1]) else { return parameter }
        if ["scale", "shift"].contains(path[path.count - 1]) { return nil }
        guard path[2] == "edges", let edge = Int(path[3]) else { return parameter }
        let count = settings.cells
        let kind: CellKind = [count / 3, 2 * count / 3].contains(cell) ? .reduction : .normal
        let input = genotype[kind].edges[edge].input
        return (["cells", path[1], "nodes", "\(edge / 2)", "edges", "\(input)"] + path[4...])
            .joined(separator: ".")
    }
}
