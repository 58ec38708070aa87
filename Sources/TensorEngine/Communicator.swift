/// The processes that compute one run together, each on its own part of every batch: the one place where their
/// gradients, class sums, batch statistics and decisions meet.
///
/// Every rank calls the same methods in the same order, and all get the same bits.
public protocol Communicator: Sendable {
    /// This process among them, from 0.
    var rank: Int { get }
    /// How many there are.
    var size: Int { get }

    /// The sums over all ranks of tensors of the same shapes, as constants.
    func sum(_ tensors: [Tensor]) throws -> [Tensor]

    /// Whether the flag is set on any rank.
    func any(_ flag: Bool) throws -> Bool
}

extension Communicator {
    /// The means over all ranks of tensors of the same shapes, as constants.
    public func mean(_ tensors: [Tensor]) throws -> [Tensor] {
        size == 1 ? tensors : try sum(tensors).map { try $0 / Double(size) }
    }
}

/// One process that computes by itself.
public struct Alone: Communicator {
    public var rank: Int { 0 }
    public var size: Int { 1 }

    public init() {}

    public func sum(_ tensors: [Tensor]) -> [Tensor] { tensors }

    public func any(_ flag: Bool) -> Bool { flag }
}

extension Tensor {
    /// The sum over all ranks. Differentiable, where the gradients of what is computed from it are then averaged
    /// over the ranks.
    ///
    /// - Throws: what the communicator throws.
    public func summed(over communicator: any Communicator) throws -> Tensor {
        guard communicator.size > 1 else { return self }
        return record("rank sum", [self], try communicator.sum([detached])[0]) {
            [try $0.cotangent.summed(over: communicator)]
        }
    }
}
