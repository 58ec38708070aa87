import NeuralNetworks
import TensorEngine

/// A network of a fixed architecture, trained from scratch.
public protocol Network: Sendable {
    /// Its weights and buffers.
    var layout: ModelLayout { get }

    /// [N, H, W, C] normalised images → logits [N, classes].
    func logits(_ images: Tensor, _ context: ForwardContext) throws -> Tensor

    /// What training descends, a scalar, and the logits [N, classes] of the same pass. Heads that only train and
    /// what drops with a growing rate are the network's business; it reads `context.time`.
    ///
    /// By default the cross-entropy of the logits.
    ///
    /// - Parameters:
    ///   - images: [N, H, W, C], normalised.
    ///   - targets: what it is to say of them.
    ///   - context: the network's values, the time, and random numbers.
    func trainingLoss(
        _ images: Tensor, targets: Targets, _ context: ForwardContext
    ) throws -> (loss: Tensor, logits: Tensor)
}

extension Network {
    public func trainingLoss(
        _ images: Tensor, targets: Targets, _ context: ForwardContext
    ) throws -> (loss: Tensor, logits: Tensor) {
        let logits = try logits(images, context)
        return (try logits.crossEntropy(targets), logits)
    }
}
