import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine

extension RelaxationPass {
    /// A uniform number in (0, 1) for each element.
    func uniform(_ index: Int) -> Double { random.uniform(at: UInt64(index)) + 0x1p-25 }

    /// Gumbel noise −log(−log u) of a tensor's shape.
    func gumbelNoise(like alpha: Tensor) throws -> Tensor {
        try alpha.backend.tensor((0..<alpha.count).map { -log(-log(uniform($0))) }, alpha.shape)
            .cast(to: alpha.dtype)
    }
}

extension Tensor {
    /// softmax((log softmax(α) + G)/τ), row by row.
    package func gumbelSoftmax(_ noise: Tensor, temperature: Double) throws -> Tensor {
        try ((logSoftmax() + noise) / temperature).softmax()
    }
}

/// A temperature that falls linearly over a stage's epochs.
package struct Annealing {
    private let first, last: Double

    package init(first: Double, last: Double) {
        self.first = first
        self.last = last
    }

    /// The first in the first epoch; the last in the last one.
    package func value(at time: TrainingTime) -> Double {
        first + (last - first) * Double(time.epoch) / Double(max(time.epochs - 1, 1))
    }
}
