import NeuralNetworks
import TensorEngine

/// From class-wise validation performance to class weights (l_c of Eq. 3).
public protocol ClassWeighter: Sendable {
    /// Whether the weights depend on A and W1′ in a way that is differentiated.
    var isDifferentiable: Bool { get }

    /// What the weights are made of [C], such as a mean of each class's losses: `ClassEstimates` are its running means.
    /// The cross-entropies, `ClassPerformance.losses`, by default.
    func measures(_ performance: ClassPerformance) throws -> Tensor

    /// - Parameters:
    ///   - performance: the validation batch by class.
    ///   - estimates: running means of each class's measure [C], constants; 0 for a class never seen.
    /// - Returns: the weights [C].
    func weights(_ performance: ClassPerformance, estimates: ClassEstimates) throws -> Tensor
}

extension ClassWeighter {
    public func measures(_ performance: ClassPerformance) throws -> Tensor { performance.losses }
}

/// How a classifier does on a validation batch, and what it learned from.
public struct ClassPerformance: Sendable {
    /// The classifier's logits [N, C], differentiable.
    public let logits: Tensor
    /// Int32 [N].
    public let labels: Tensor
    /// The cross-entropy of each example [N], differentiable.
    public let crossEntropies: Tensor
    /// The mean cross-entropy of each class [C], differentiable; 0 where the batch has none of it.
    public let losses: Tensor
    /// How many examples of each class the batch has [C], a constant of the losses' type.
    public let counts: Tensor
    /// How many images of each class D_tr has.
    public let trainingCounts: [Int]
    private let oneHot: Tensor
    private let communicator: any Communicator

    /// - Parameters:
    ///   - logits: [N, C].
    ///   - labels: Int32 [N].
    ///   - trainingCounts: images of each class in D_tr, C of them.
    ///   - communicator: the processes whose batches make up this one.
    /// - Throws: `TensorError` if a label is not in 0..<C, or there are not C training counts.
    public init(
        logits: Tensor, labels: Tensor, trainingCounts: [Int], over communicator: any Communicator = Alone()
    ) throws {
        crossEntropies = try logits.crossEntropies(labels)
        let classes = logits.shape[1]
        guard trainingCounts.count == classes else {
            throw TensorError(
                "class performance", "\(trainingCounts.count) training counts, expected \(classes)")
        }
        self.logits = logits
        self.labels = labels
        self.trainingCounts = trainingCounts
        self.communicator = communicator
        oneHot = try labels.oneHot(classes, logits.dtype)
        counts = try oneHot.sum(axes: [0]).summed(over: communicator)
        losses = try Self.means(of: crossEntropies, oneHot, counts, over: communicator)
    }

    /// The mean over each class's examples [C], over all ranks; 0 where there are none.
    ///
    /// - Parameter examples: a number for each example [N].
    public func classMeans(of examples: Tensor) throws -> Tensor {
        try Self.means(of: examples, oneHot, counts, over: communicator)
    }

    private static func means(
        of examples: Tensor, _ oneHot: Tensor, _ counts: Tensor, over communicator: any Communicator
    ) throws -> Tensor {
        let sums = try (oneHot * examples.reshaped(to: [-1, 1])).sum(axes: [0]).summed(over: communicator)
        return try sums / Tensor.maximum(counts, counts.filled(with: 1))
    }
}

/// The running mean of each class's measure, which stands in for classes that a batch lacks.
public struct ClassEstimates: Sendable, Hashable {
    public var values: [Double]
    /// Whether a class has ever been seen.
    public var seen: [Bool]

    public init(classes: Int) {
        values = [Double](repeating: 0, count: classes)
        seen = [Bool](repeating: false, count: classes)
    }

    /// Moves the estimates of the classes that a batch has towards its measures.
    ///
    /// - Parameters:
    ///   - measures: of each class, by label.
    ///   - counts: examples of each class in the batch, by label.
    ///   - momentum: the weight of the old estimate; a class's first measure is taken whole.
    public mutating func update(_ measures: [Double], counts: [Int], momentum: Double) {
        for index in values.indices where counts[index] > 0 {
            values[index] =
                seen[index] ? momentum * values[index] + (1 - momentum) * measures[index] : measures[index]
            seen[index] = true
        }
    }
}
