import ErrataCore
import NeuralNetworks
import TensorEngine

/// A candidate operation of a cell's edge, from C channels to C (DARTS, section 3.1, and its published code).
///
/// An operation is a branch of the sum that is its node.
protocol Operation: Sendable {
    /// Adds the branch [N, H, W, C] → [N, ⌈H/stride⌉, ⌈W/stride⌉, C] of a source to a sum.
    func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) throws
    /// The batch norms of the branch.
    var norms: [BatchNorm?] { get }
    /// Whether the operation hands on its input as it is.
    var isIdentity: Bool { get }
}

extension Operation {
    var isIdentity: Bool { false }

    /// The whole operation.
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        try [(input: 0, operation: self as any Operation)].output(of: [x], context)
    }

    fileprivate func normalizations(_ context: ForwardContext) -> [Normalization?] {
        norms.map { $0?.normalization(context) }
    }
}

extension [(input: Int, operation: any Operation)] {
    /// The sum of operations on states.
    ///
    /// - Parameters:
    ///   - weights: of the operations; absent ones are 1.
    ///   - imageFactors: what each image's result of an operation is multiplied by, by its index [N].
    func output(
        of states: [Tensor], weights: Tensor? = nil, _ context: ForwardContext,
        imageFactors: (Int) throws -> Tensor? = { _ in nil }
    ) throws -> Tensor {
        var sum = MixedSum(sources: states, weights: weights)
        for (index, (input, operation)) in enumerated() {
            try operation.addBranch(to: &sum, source: input, context)
            sum.branches[index].imageFactors = try imageFactors(index)
        }
        let (output, moments) = try sum.output()
        for (branch, found) in zip(self, moments) {
            for (norm, (moments, rows)) in zip(branch.operation.norms, found) {
                try norm?.record(moments, rows: rows, context)
            }
        }
        return output
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
    var norms: [BatchNorm?] { [nil] }
    var isIdentity: Bool { true }

    func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) {
        sum.branches.append(MixedBranch(source: source, .identity, normalizations: [nil]))
    }
}

/// A 3×3 pool, then batch norm in the search. Discrete networks, which have affine norms, pool alone.
struct Pooling: Operation {
    private let pool: MixedBranch.Transform
    let norms: [BatchNorm?]

    init(_ scope: Scope, channels: Int, stride: Int, affine: Bool, isMaximum: Bool) {
        let window = PoolingWindow(size: 3, stride: stride, padding: 1)
        pool = isMaximum ? .maxPool(window) : .averagePool(window)
        norms = [affine ? nil : BatchNorm(scope["norm"], channels: channels, affine: false)]
    }

    func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) {
        sum.branches.append(MixedBranch(source: source, pool, normalizations: normalizations(context)))
    }
}

/// ReLU, convolutions, batch norm, a number of times.
private protocol StagedOperation: Operation {
    var stages: [Stage] { get }
}

private struct Stage: Sendable {
    let depthwise: Convolution?
    let pointwise: Convolution
    let norm: BatchNorm

    /// A depthwise and a pointwise convolution: what separable and dilated ones are made of.
    init(_ scope: Scope, norm: Scope, channels: Int, kernel: Int, stride: Int, dilation: Int, affine: Bool) {
        depthwise = Convolution(
            scope["depthwise"], inputs: channels, outputs: channels, kernel: kernel, stride: stride,
            dilation: dilation, groups: channels)
        pointwise = Convolution(scope["pointwise"], inputs: channels, outputs: channels, kernel: 1)
        self.norm = BatchNorm(norm, channels: channels, affine: affine)
    }

    /// A pointwise convolution alone.
    init(pointwise: Convolution, norm: BatchNorm) {
        depthwise = nil
        self.pointwise = pointwise
        self.norm = norm
    }
}

extension StagedOperation {
    var norms: [BatchNorm?] { stages.map(\.norm) }

    func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) {
        let stages = stages.map { stage in
            ConvolutionStage(
                depthwise: stage.depthwise.map { context[$0.weight] },
                pointwise: context[stage.pointwise.weight],
                stage.depthwise?.geometry ?? .init())
        }
        sum.branches.append(
            MixedBranch(source: source, .convolutions(stages), normalizations: normalizations(context)))
    }
}

/// ReLU, depthwise, pointwise, batch norm, twice; the stride is the first one's.
struct SeparableConvolution: StagedOperation {
    fileprivate let stages: [Stage]

    init(_ scope: Scope, channels: Int, kernel: Int, stride: Int, affine: Bool) {
        stages = [("first", stride), ("second", 1)].map { name, stride in
            Stage(
                scope[name], norm: scope[name]["norm"], channels: channels, kernel: kernel, stride: stride,
                dilation: 1, affine: affine)
        }
    }
}

/// ReLU, depthwise with dilation 2, pointwise, batch norm.
struct DilatedConvolution: StagedOperation {
    fileprivate let stages: [Stage]

    init(_ scope: Scope, channels: Int, kernel: Int, stride: Int, affine: Bool) {
        stages = [
            Stage(
                scope, norm: scope["norm"], channels: channels, kernel: kernel, stride: stride, dilation: 2,
                affine: affine)
        ]
    }
}

/// ReLU, 1×1 convolution, batch norm: what brings a cell's inputs to its number of channels.
struct PointwiseConvolution: StagedOperation {
    fileprivate let stages: [Stage]

    init(_ scope: Scope, inputs: Int, outputs: Int, affine: Bool) {
        stages = [
            Stage(
                pointwise: Convolution(scope["convolution"], inputs: inputs, outputs: outputs, kernel: 1),
                norm: BatchNorm(scope["norm"], channels: outputs, affine: affine))
        ]
    }
}

/// ReLU, two 1×1 convolutions of stride 2, the second of the image less its first row and column, side by
/// side; batch norm. An odd extent is padded with a row or column of zeros at its end first, where the
/// reference code cannot go on.
struct FactorizedReduce: Operation {
    private let even, odd: Convolution
    private let norm: BatchNorm

    var norms: [BatchNorm?] { [norm] }

    init(_ scope: Scope, inputs: Int, outputs: Int, affine: Bool) {
        even = Convolution(scope["even"], inputs: inputs, outputs: outputs / 2, kernel: 1, stride: 2)
        odd = Convolution(scope["odd"], inputs: inputs, outputs: outputs - outputs / 2, kernel: 1, stride: 2)
        norm = BatchNorm(scope["norm"], channels: outputs, affine: affine)
    }

    func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) throws {
        var x = try sum.sources[source].relu()
        for axis in 1...2 where x.shape[axis] % 2 == 1 { x = try x.padded(axis: axis, before: 0, after: 1) }
        let shifted = try x.sliced(axis: 1, from: 1, count: x.shape[1] - 1)
            .sliced(axis: 2, from: 1, count: x.shape[2] - 1)
        let reduced = try Tensor.concatenated([even(x, context), odd(shifted, context)], axis: -1)
        sum.branches.append(
            MixedBranch(source: sum.add(source: reduced), .identity, normalizations: normalizations(context)))
    }
}
