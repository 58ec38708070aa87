import NeuralNetworks
import TensorEngine

/// What stands on a cell's edge: an operation from C channels to C, one branch of the sum that is its node.
///
/// Pools, convolutions with batch norm and the identity are branches that a backend may compute with their node, as
/// one operation (`MixedSum`). Anything else is a `ComposedOperation`.
public protocol EdgeOperation: Sendable {
    /// Adds the branch [N, H, W, C] → [N, ⌈H/stride⌉, ⌈W/stride⌉, C] of a source to a sum.
    ///
    /// - Parameters:
    ///   - sum: gets exactly one branch more.
    ///   - source: the index of the input in `sum.sources`.
    ///   - context: the model's values and random numbers.
    /// - Throws: `TensorError` if the input does not fit.
    func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) throws

    /// The batch norms of the branch, one for each of its normalisations.
    var norms: [BatchNorm?] { get }

    /// Whether the operation hands on its input as it is; drop path spares it. False by default.
    var isIdentity: Bool { get }
}

extension EdgeOperation {
    public var isIdentity: Bool { false }

    /// The operation by itself.
    public func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        try CellNode([(0, self)]).sum(of: [x], context)
    }

    func normalizations(_ context: ForwardContext) -> [Normalization?] {
        norms.map { $0?.normalization(context) }
    }
}

/// An operation that is any differentiable function of its input, with layers of its own.
public struct ComposedOperation: EdgeOperation {
    private let apply: @Sendable (Tensor, ForwardContext) throws -> Tensor

    public var norms: [BatchNorm?] { [nil] }

    /// - Parameter apply: [N, H, W, C] → [N, ⌈H/stride⌉, ⌈W/stride⌉, C]; a function of its arguments alone.
    public init(_ apply: @escaping @Sendable (Tensor, ForwardContext) throws -> Tensor) { self.apply = apply }

    public func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) throws {
        let output = try apply(sum.sources[source], context)
        sum.branches.append(MixedBranch(source: sum.add(source: output), .identity, normalizations: [nil]))
    }
}
