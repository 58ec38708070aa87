import ErrataCore
import NeuralNetworks
import TensorEngine

/// A candidate operation of a cell's edge, from C channels to C (DARTS, section 3.1, and its published code).
///
/// The batch norm an operation ends in is kept apart from it, so that a mixed operation can normalise, weigh
/// and add up all its branches in one pass.
protocol Operation: Sendable {
    /// [N, H, W, C] → [N, ⌈H/stride⌉, ⌈W/stride⌉, C], before the last batch norm.
    func branch(_ x: Tensor, _ context: ForwardContext) throws -> MixedBranch
    /// The batch norm at the end.
    var norm: BatchNorm? { get }
    /// Whether the operation hands on its input as it is.
    var isIdentity: Bool { get }
}

extension Operation {
    var isIdentity: Bool { false }

    /// The whole operation.
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let y = try branch(x, context).output()
        return try norm.map { try $0(y, context) } ?? y
    }
}

/// The names of the candidate operations, in the order of the columns of the architecture parameters.
enum Primitive: String, CaseIterable, Sendable {
    case none
    case maxPool3x3 = "max_pool_3x3"
    case averagePool3x3 = "avg_pool_3x3"
    case skipConnect = "skip_connect"
    case separable3x3 = "sep_conv_3x3"
    case separable5x5 = "sep_conv_5x5"
    case dilated3x3 = "dil_conv_3x3"
    case dilated5x5 = "dil_conv_5x5"

    /// Those that compute something: all but `none`, which is zero.
    static let computing = allCases.filter { $0 != .none }

    /// - Parameter affine: whether batch norms have γ and β.
    /// - Returns: `nil` for `none`.
    func operation(_ scope: Scope, channels: Int, stride: Int, affine: Bool) -> (any Operation)? {
        switch self {
        case .none: nil
        case .maxPool3x3: Pooling(scope, channels: channels, stride: stride, affine: affine, isMaximum: true)
        case .averagePool3x3:
            Pooling(scope, channels: channels, stride: stride, affine: affine, isMaximum: false)
        case .skipConnect:
            if stride == 1 {
                Identity()
            } else {
                FactorizedReduce(scope, inputs: channels, outputs: channels, affine: affine)
            }
        case .separable3x3:
            SeparableConvolution(scope, channels: channels, kernel: 3, stride: stride, affine: affine)
        case .separable5x5:
            SeparableConvolution(scope, channels: channels, kernel: 5, stride: stride, affine: affine)
        case .dilated3x3:
            DilatedConvolution(scope, channels: channels, kernel: 3, stride: stride, affine: affine)
        case .dilated5x5:
            DilatedConvolution(scope, channels: channels, kernel: 5, stride: stride, affine: affine)
        }
    }
}

/// The input as it is.
struct Identity: Operation {
    var norm: BatchNorm? { nil }
    var isIdentity: Bool { true }

    func branch(_ x: Tensor, _ context: ForwardContext) -> MixedBranch { .tensor(x) }
}

/// A 3×3 pool, then batch norm in the search. Discrete networks, which have affine norms, pool alone.
struct Pooling: Operation {
    let isMaximum: Bool
    let window: PoolingWindow
    let norm: BatchNorm?

    init(_ scope: Scope, channels: Int, stride: Int, affine: Bool, isMaximum: Bool) {
        self.isMaximum = isMaximum
        window = PoolingWindow(size: 3, stride: stride, padding: 1)
        norm = affine ? nil : BatchNorm(scope["norm"], channels: channels, affine: false)
    }

    func branch(_ x: Tensor, _ context: ForwardContext) -> MixedBranch {
        isMaximum ? .maxPool(x, window) : .averagePool(x, window)
    }
}

/// A depthwise and a pointwise convolution with the ReLU before them: what separable and dilated ones are
/// made of.
private struct Half: Sendable {
    let depthwise: Convolution
    let pointwise: Convolution

    init(_ scope: Scope, channels: Int, kernel: Int, stride: Int, dilation: Int) {
        depthwise = Convolution(
            scope["depthwise"], inputs: channels, outputs: channels, kernel: kernel, stride: stride,
            dilation: dilation, groups: channels)
        pointwise = Convolution(scope["pointwise"], inputs: channels, outputs: channels, kernel: 1)
    }

    /// - Parameter norm: of the input.
    func callAsFunction(_ x: Tensor, after norm: BatchNorm? = nil, _ context: ForwardContext) throws -> Tensor
    {
        let (output, moments) = try x.separableConvolution(
            depthwise: context[depthwise.weight], pointwise: context[pointwise.weight], depthwise.geometry,
            normalization: norm?.normalization(context))
        try norm?.record(moments, rows: x.shape.rows, context)
        return output
    }
}

/// ReLU, depthwise, pointwise, batch norm, twice; the stride is the first one's.
struct SeparableConvolution: Operation {
    private let first, second: Half
    private let middle: BatchNorm
    let norm: BatchNorm?

    init(_ scope: Scope, channels: Int, kernel: Int, stride: Int, affine: Bool) {
        first = Half(scope["first"], channels: channels, kernel: kernel, stride: stride, dilation: 1)
        middle = BatchNorm(scope["first"]["norm"], channels: channels, affine: affine)
        second = Half(scope["second"], channels: channels, kernel: kernel, stride: 1, dilation: 1)
        norm = BatchNorm(scope["second"]["norm"], channels: channels, affine: affine)
    }

    func branch(_ x: Tensor, _ context: ForwardContext) throws -> MixedBranch {
        .tensor(try second(first(x, context), after: middle, context))
    }
}

/// ReLU, depthwise with dilation 2, pointwise, batch norm.
struct DilatedConvolution: Operation {
    private let half: Half
    let norm: BatchNorm?

    init(_ scope: Scope, channels: Int, kernel: Int, stride: Int, affine: Bool) {
        half = Half(scope, channels: channels, kernel: kernel, stride: stride, dilation: 2)
        norm = BatchNorm(scope["norm"], channels: channels, affine: affine)
    }

    func branch(_ x: Tensor, _ context: ForwardContext) throws -> MixedBranch {
        .tensor(try half(x, context))
    }
}

/// ReLU, 1×1 convolution, batch norm: what brings a cell's inputs to its number of channels.
struct PointwiseConvolution: Operation {
    private let convolution: Convolution
    let norm: BatchNorm?

    init(_ scope: Scope, inputs: Int, outputs: Int, affine: Bool) {
        convolution = Convolution(scope["convolution"], inputs: inputs, outputs: outputs, kernel: 1)
        norm = BatchNorm(scope["norm"], channels: outputs, affine: affine)
    }

    func branch(_ x: Tensor, _ context: ForwardContext) throws -> MixedBranch {
        .tensor(try convolution(x.relu(), context))
    }
}

/// ReLU, two 1×1 convolutions of stride 2, the second of the image less its first row and column, side by
/// side; batch norm. An odd extent is padded with a row or column of zeros at its end first, where the
/// reference code cannot go on.
struct FactorizedReduce: Operation {
    private let even, odd: Convolution
    let norm: BatchNorm?

    init(_ scope: Scope, inputs: Int, outputs: Int, affine: Bool) {
        even = Convolution(scope["even"], inputs: inputs, outputs: outputs / 2, kernel: 1, stride: 2)
        odd = Convolution(scope["odd"], inputs: inputs, outputs: outputs - outputs / 2, kernel: 1, stride: 2)
        norm = BatchNorm(scope["norm"], channels: outputs, affine: affine)
    }

    func branch(_ x: Tensor, _ context: ForwardContext) throws -> MixedBranch {
        var x = try x.relu()
        for axis in 1...2 where x.shape[axis] % 2 == 1 { x = try x.padded(axis: axis, before: 0, after: 1) }
        let shifted = try x.sliced(axis: 1, from: 1, count: x.shape[1] - 1)
            .sliced(axis: 2, from: 1, count: x.shape[2] - 1)
        return .tensor(try Tensor.concatenated([even(x, context), odd(shifted, context)], axis: -1))
    }
}
