import TensorEngine

/// What a classifier is to say of a batch.
public struct Targets: Sendable {
    /// Int32 [N], in 0..<classes.
    public let labels: Tensor
    /// ε of (1 − ε)·target + ε/classes.
    public let smoothing: Double
    /// The labels Int32 [N] of what is mixed into the images, and their part.
    public let mixed: (labels: Tensor, weight: Double)?

    public init(_ labels: Tensor, smoothing: Double = 0, mixed: (labels: Tensor, weight: Double)? = nil) {
        self.labels = labels
        self.smoothing = smoothing
        self.mixed = mixed
    }
}

extension Tensor {
    /// The cross-entropy of each example: logits [N, C] and Int32 labels [N] → [N].
    ///
    /// - Parameters:
    ///   - labels: Int32 [N], in 0..<classes.
    ///   - labelSmoothing: ε of (1 − ε)·one-hot + ε/C.
    public func crossEntropies(_ labels: Tensor, labelSmoothing: Double = 0) throws -> Tensor {
        try crossEntropies(Targets(labels, smoothing: labelSmoothing))
    }

    /// The cross-entropy of each example: logits [N, C] → [N].
    private func crossEntropies(_ targets: Targets) throws -> Tensor {
        let labels = targets.labels
        guard shape.rank == 2, labels.shape == [shape[0]], labels.dtype == .int32 else {
            throw TensorError(
                "crossEntropy",
                "logits \(shape) and \(labels.dtype) labels \(labels.shape); expected [N, C] and int32 [N]")
        }
        let classes = shape[1]
        var expected = try labels.oneHot(classes, dtype)
        if let mixed = targets.mixed {
            expected = try expected * (1 - mixed.weight) + mixed.labels.oneHot(classes, dtype) * mixed.weight
        }
        if targets.smoothing > 0 {
            expected = try expected * (1 - targets.smoothing) + targets.smoothing / Double(classes)
        }
        return try (logSoftmax() * expected).sum(axes: [1]).negated()
    }

    /// The mean cross-entropy of a batch.
    public func crossEntropy(_ targets: Targets) throws -> Tensor { try crossEntropies(targets).mean() }

    /// The mean cross-entropy of a batch.
    public func crossEntropy(_ labels: Tensor, labelSmoothing: Double = 0) throws -> Tensor {
        try crossEntropies(labels, labelSmoothing: labelSmoothing).mean()
    }

    /// The binary cross-entropy of logits against one target, averaged: softplus(x) − target·x.
    public func binaryCrossEntropy(target: Double) throws -> Tensor {
        try (softplus() - self * target).mean()
    }

    /// Which rows of logits [N, C] are largest at their label, the first of equals counting as the largest.
    public func areCorrect(_ labels: Tensor) throws -> [Bool] {
        let logits = try doubles()
        let labels: [Int32] = try labels.values()
        let classes = shape[1]
        return labels.enumerated().map { row, label in
            let scores = logits[(row * classes)..<((row + 1) * classes)]
            let score = scores[row * classes + Int(label)]
            return scores.enumerated().allSatisfy { $1 < score || $1 == score && $0 >= Int(label) }
        }
    }

    /// How many rows of logits [N, C] are largest at their label.
    public func correctCount(_ labels: Tensor) throws -> Int { try areCorrect(labels).count(where: \.self) }
}
