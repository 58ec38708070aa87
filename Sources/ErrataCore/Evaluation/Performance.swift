import Datasets
import NeuralNetworks
import TensorEngine

/// How well a classifier does on a data set.
public struct Performance: Sendable, Hashable {
    /// The mean cross-entropy.
    public let loss: Double
    /// The fraction of images whose largest logit is their class's.
    public let accuracy: Double
    public let count: Int

    /// - Parameters:
    ///   - batches: of which one epoch is taken.
    ///   - logits: from images [N, H, W, C] to logits [N, classes], without a graph.
    public init(of batches: any BatchSource, _ logits: (Tensor) throws -> Tensor) throws {
        var (loss, correct, count) = (0.0, 0, 0)
        for step in 0..<batches.batchesPerEpoch {
            let batch = try batches.batch(step: step)
            let logits = try logits(batch.images)
            loss += try logits.crossEntropies(batch.labels).sum().item()
            correct += try logits.correctCount(batch.labels)
            count += batch.labels.count
        }
        self.loss = loss / Double(max(count, 1))
        accuracy = Double(correct) / Double(max(count, 1))
        self.count = count
    }

    public var error: Double { 1 - accuracy }
}
