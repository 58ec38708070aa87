import TensorEngine

/// How a tensor of a model begins.
public enum Initializer: Sendable, Hashable {
    case constant(Double)
    case normal(mean: Double, deviation: Double)
    /// Uniform in ±bound.
    case uniform(bound: Double)

    public static let zeros = Initializer.constant(0)
    public static let ones = Initializer.constant(1)

    /// PyTorch's default for convolutions, linear layers and their biases: Kaiming uniform with a = √5, which
    /// is uniform in ±1/√(fan in).
    public static func kaimingUniform(fanIn: Int) -> Initializer {
        .uniform(bound: 1 / Double(max(fanIn, 1)).squareRoot())
    }

    func tensor(_ shape: Shape, _ dtype: DType, on backend: any Backend, from stream: RandomStream) throws
        -> Tensor
    {
        switch self {
        case .constant(let value): try backend.full(value, shape, dtype)
        case .normal(let mean, let deviation):
            try backend.normal(shape, dtype, from: stream) * deviation + mean
        case .uniform(let bound): try backend.uniform(shape, dtype, in: -bound...bound, from: stream)
        }
    }
}
