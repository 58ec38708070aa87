import TensorEngine

/// From class-wise validation performance to class weights (l_c of Eq. 3).
public protocol ClassWeighter: Sendable {
    /// Whether the weights depend on A and W1′ in a way that is differentiated.
    var isDifferentiable: Bool { get }

    /// - Parameters:
    ///   - performance: the validation batch by class.
    ///   - estimates: running estimates of each class's loss [C], a constant; 0 for a class never seen.
    /// - Returns: the weights [C].
    func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor
}

/// A batch's losses by class.
public struct ClassPerformance: Sendable {
    /// The mean cross-entropy of each class [C], differentiable; 0 where the batch has none of it.
    public let losses: Tensor
    /// How many examples of each class the batch has [C], a constant of the losses' type.
    public let counts: Tensor

    /// - Parameters:
    ///   - losses: each example's cross-entropy [N].
    ///   - labels: Int32 [N].
    ///   - classes: C.
    ///   - communicator: the processes whose batches make up this one.
    /// - Throws: `TensorError` if a label is not in 0..<classes.
    public init(
        losses: Tensor, labels: Tensor, classes: Int, over communicator: any Communicator = Alone()
    ) throws {
        let oneHot = try labels.oneHot(classes, losses.dtype)
        counts = try oneHot.sum(axes: [0]).summed(over: communicator)
        let sums = try (oneHot * losses.reshaped(to: [-1, 1])).sum(axes: [0]).summed(over: communicator)
        self.losses = try sums / Tensor.maximum(counts, counts.filled(with: 1))
    }
}

/// The running mean of each class's validation loss, which stands in for classes that a batch lacks.
public struct ClassEstimates: Sendable, Hashable {
    public var losses: [Double]
    /// Whether a class has ever been seen.
    public var seen: [Bool]

    public init(classes: Int) {
        losses = [Double](repeating: 0, count: classes)
        seen = [Bool](repeating: false, count: classes)
    }

    /// Moves the estimates of the classes that a batch has towards its losses.
    ///
    /// - Parameters:
    ///   - batch: the mean loss of each class, by label.
    ///   - counts: examples of each class in the batch, by label.
    ///   - momentum: the weight of the old estimate; a class's first loss is taken whole.
    public mutating func update(losses batch: [Double], counts: [Int], momentum: Double) {
        for index in losses.indices where counts[index] > 0 {
            losses[index] =
                seen[index] ? momentum * losses[index] + (1 - momentum) * batch[index] : batch[index]
            seen[index] = true
        }
    }
}
