public struct RandomStream: Sendable {
    public init(seed: UInt64) {}
    public func derived(_ s: String) -> RandomStream { self }
}
