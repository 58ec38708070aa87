import Datasets
import NeuralNetworks
import TensorEngine

/// How well a classifier does on a data set, as a whole and class by class.
public struct Performance: Sendable, Hashable {
    /// The mean cross-entropy.
    public let loss: Double
    /// How many images' largest logit is their class's.
    public let correct: Int
    /// Images.
    public let count: Int
    /// By label.
    public let classes: [ClassTally]

    /// What the images of one class came to.
    public struct ClassTally: Sendable, Hashable {
        /// Images.
        public var count = 0
        public var correct = 0
        /// The sum of the images' cross-entropies.
        public var totalLoss = 0.0

        /// The mean cross-entropy; nil for a class without images.
        public var loss: Double? { count > 0 ? totalLoss / Double(count) : nil }
        /// nil for a class without images.
        public var accuracy: Double? { count > 0 ? Double(correct) / Double(count) : nil }
    }

    /// - Parameters:
    ///   - batches: of which one epoch is taken; labels are below `classes`.
    ///   - classes: how many there are.
    ///   - logits: from images [N, H, W, C] to logits [N, classes], without a graph.
    /// - Throws: what the batches and the logits throw.
    public init(of batches: any BatchSource, classes: Int, _ logits: (Tensor) throws -> Tensor) throws {
        var loss = 0.0
        var tallies = [ClassTally](repeating: ClassTally(), count: classes)
        for step in 0..<batches.batchesPerEpoch {
            let batch = try batches.batch(step: step)
            let logits = try logits(batch.images)
            let losses = try logits.crossEntropies(batch.labels)
            loss += try losses.sum().item()
            let labels: [Int32] = try batch.labels.values()
            for (label, (loss, isCorrect)) in zip(
                labels, zip(try losses.doubles(), try logits.areCorrect(batch.labels)))
            {
                tallies[Int(label)].count += 1
                tallies[Int(label)].correct += isCorrect ? 1 : 0
                tallies[Int(label)].totalLoss += loss
            }
        }
        correct = tallies.reduce(0) { $0 + $1.correct }
        count = tallies.reduce(0) { $0 + $1.count }
        self.loss = loss / Double(max(count, 1))
        self.classes = tallies
    }

    /// The fraction of images whose largest logit is their class's.
    public var accuracy: Double { Double(correct) / Double(max(count, 1)) }

    public var error: Double { 1 - accuracy }
}
