import ErrataCore
import NeuralNetworks
import TensorEngine

/// A class-conditional score by projection: wᵀφ + b + e_yᵀφ (Miyato and Koyama, 2018, Eq. 3).
public struct ProjectionHead: Sendable {
    private let score: Linear
    private let classes: Embedding

    /// - Parameters:
    ///   - scope: holds `score` and `classes`.
    ///   - features: the length of φ.
    ///   - count: how many classes there are.
    ///   - initializer: of w; PyTorch's default where absent.
    ///   - bias: whether there is a b.
    ///   - embedding: the initialiser of the e_y.
    public init(
        _ scope: Scope, features: Int, classes count: Int, initializer: Initializer? = nil, bias: Bool = true,
        embedding: Initializer
    ) {
        score = Linear(scope["score"], inputs: features, outputs: 1, bias: bias, initializer: initializer)
        classes = Embedding(scope["classes"], classes: count, size: features, initializer: embedding)
    }

    /// Features [N, features] and Int32 labels [N] → scores [N].
    public func callAsFunction(_ features: Tensor, labels: Tensor, _ context: ForwardContext) throws -> Tensor
    {
        try score(features, context).reshaped(to: [-1])
            + (classes(labels, context) * features).sum(axes: [1])
    }
}
