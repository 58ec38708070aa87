import Foundation
import NeuralNetworks
import TensorEngine

extension CellOperation {
    /// A skip connection after which elements are dropped, and kept ones scaled up: the less often the longer a stage
    /// lasts (Chen et al., 2019, section 3.3.1, and its published code). Factorised reductions are spared, and so is
    /// every other operation.
    ///
    /// - Parameter rate: at the stage's start.
    func droppingSkips(rate: Double) -> CellOperation {
        guard name == Self.skipConnect.name, rate > 0 else { return self }
        return CellOperation(name) { scope, channels, stride, affine in
            let skip = self.operation(scope, channels: channels, stride: stride, affine: affine)!
            guard stride == 1 else { return skip }
            return ComposedOperation { x, context in
                guard context.isTraining else { return x }
                return try x.dropout(
                    rate: context.time.skipDropout(from: rate), from: context.random.derived("skip dropout"))
            }
        }
    }
}

extension TrainingTime {
    /// What is left of a rate of dropout after skip connections: it falls linearly while the architecture waits, and
    /// starts again, falling by e^−0.2 an epoch, when it steps.
    func skipDropout(from rate: Double) -> Double {
        epoch < warmup
            ? rate * Double(epochs - epoch - 1) / Double(epochs) : rate * exp(-0.2 * Double(epoch - warmup))
    }
}
