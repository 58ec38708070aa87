import TensorEngine

extension Tensor {
    /// The cross-entropy of each example: logits [N, C] and Int32 labels [N] → [N].
    ///
    /// - Parameters:
    ///   - labels: Int32 [N], in 0..<classes.
    ///   - labelSmoothing: ε of (1 − ε)·one-hot + ε/C.
    public func crossEntropies(_ labels: Tensor, labelSmoothing: Double = 0) throws -> Tensor {
        guard shape.rank == 2, labels.shape == [shape[0]], labels.dtype == .int32 else {
            throw TensorError(
                "crossEntropy",
                "logits \(shape) and \(labels.dtype) labels \(labels.shape); expected [N, C] and int32 [N]")
        }
        let classes = shape[1]
        var targets = try labels.oneHot(classes, dtype)
        if labelSmoothing > 0 {
            targets = try targets * (1 - labelSmoothing) + labelSmoothing / Double(classes)
        }
        return try (logSoftmax() * targets).sum(axes: [1]).negated()
    }

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
