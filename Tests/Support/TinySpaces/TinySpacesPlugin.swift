import ErrataCore

/// Adds `tiny-partial`, `tiny-progressive` and `tiny-chain`: small search spaces for 8×8 images, each different from
/// DARTS's in another way.
public struct TinySpacesPlugin: Plugin {
    public init() {}

    public func register(in registry: inout PluginRegistry) throws {
        try registry.searchSpaces.add(
            .init("tiny-partial", "partial channels and edge weights") { try PartialChannelSpace() })
        try registry.searchSpaces.add(
            .init("tiny-progressive", "two stages, the second narrower") { try ProgressiveSpace() })
        try registry.searchSpaces.add(
            .init("tiny-chain", "a chain of layers, with a penalty") { ChainSpace() })
    }
}
