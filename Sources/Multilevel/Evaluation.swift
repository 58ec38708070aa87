import NeuralNetworks
import TensorEngine

/// What evaluating an objective or a coupling yields.
public struct Evaluation: Sendable {
    /// An objective's scalar; a coupling's quantity.
    public var tensors: [Tensor]
    /// Named scalars to report. Needed only where `Values.isObserved`.
    public var metrics: [String: Double] = [:]
    /// Named constants to report, such as the loss of each class.
    public var extras: [String: Tensor] = [:]
    /// What the forward passes made of models' buffers.
    public var updates: [ValueID: BufferUpdates] = [:]

    public init(_ value: Tensor) { tensors = [value] }

    public init(_ tensors: [Tensor]) { self.tensors = tensors }

    /// An objective's value.
    public var value: Tensor { tensors[0] }
}
