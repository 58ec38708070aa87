import TensorEngine

/// Two ranks that have the same batches: where each sum is made a mean, they compute what one does alone, bit for bit.
public struct Twins: Communicator {
    public var rank: Int { 0 }
    public var size: Int { 2 }

    public init() {}

    public func sum(_ tensors: [Tensor]) throws -> [Tensor] { try tensors.map { try $0 * 2 } }

    public func any(_ flag: Bool) -> Bool { flag }
}
