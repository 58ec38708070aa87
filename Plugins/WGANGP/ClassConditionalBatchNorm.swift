import NeuralNetworks
import TensorEngine

/// Batch norm with a scale and a shift for each class (Dumoulin, Shlens and Kudlur, 2017).
struct ClassConditionalBatchNorm: Sendable {
    private let norm: BatchNorm
    private let scales: Embedding
    private let shifts: Embedding

    init(_ scope: Scope, channels: Int, classes: Int) {
        norm = BatchNorm(scope, channels: channels, affine: false)
        scales = Embedding(scope["scales"], classes: classes, size: channels, initializer: .ones)
        shifts = Embedding(scope["shifts"], classes: classes, size: channels, initializer: .zeros)
    }

    /// [N, H, W, C] and Int32 labels [N] → [N, H, W, C].
    func callAsFunction(_ x: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor {
        func perImage(_ table: Embedding) throws -> Tensor {
            try table(labels, context).reshaped(to: [x.shape[0], 1, 1, x.shape.channels])
        }
        return try norm(x, context) * perImage(scales) + perImage(shifts)
    }
}
