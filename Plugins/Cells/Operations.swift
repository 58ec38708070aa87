import NeuralNetworks
import TensorEngine

/// The input as it is.
public struct Identity: EdgeOperation {
    public var norms: [BatchNorm?] { [nil] }
    public var isIdentity: Bool { true }

    public init() {}

    public func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) {
        sum.branches.append(MixedBranch(source: source, .identity, normalizations: [nil]))
    }
}

/// A 3×3 pool, then batch norm in the search. Derived networks, which have affine norms, pool alone.
public struct Pooling: EdgeOperation {
    private let pool: MixedBranch.Transform
    public let norms: [BatchNorm?]

    public init(_ scope: Scope, channels: Int, stride: Int, affine: Bool, isMaximum: Bool) {
        let window = PoolingWindow(size: 3, stride: stride, padding: 1)
        pool = isMaximum ? .maxPool(window) : .averagePool(window)
        norms = [affine ? nil : BatchNorm(scope["norm"], channels: channels, affine: false)]
    }

    public func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) {
        sum.branches.append(MixedBranch(source: source, pool, normalizations: normalizations(context)))
    }
}

/// ReLU, convolutions, batch norm, a number of times.
public struct ConvolutionOperation: EdgeOperation {
    private let stages: [Stage]

    public var norms: [BatchNorm?] { stages.map(\.norm) }

    private struct Stage: Sendable {
        let depthwise: Convolution?
        let pointwise: Convolution
        let norm: BatchNorm

        /// A depthwise and a pointwise convolution: what separable and dilated ones are made of.
        init(
            _ scope: Scope, channels: Int, kernel: Int, stride: Int, dilation: Int, affine: Bool
        ) {
            depthwise = Convolution(
                scope["depthwise"], inputs: channels, outputs: channels, kernel: kernel, stride: stride,
                dilation: dilation, groups: channels)
            pointwise = Convolution(scope["pointwise"], inputs: channels, outputs: channels, kernel: 1)
            norm = BatchNorm(scope["norm"], channels: channels, affine: affine)
        }

        /// A pointwise convolution alone.
        init(pointwise scope: Scope, inputs: Int, outputs: Int, affine: Bool) {
            depthwise = nil
            pointwise = Convolution(scope["convolution"], inputs: inputs, outputs: outputs, kernel: 1)
            norm = BatchNorm(scope["norm"], channels: outputs, affine: affine)
        }
    }

    /// ReLU, depthwise, pointwise, batch norm, twice; the stride is the first one's.
    public static func separable(
        _ scope: Scope, channels: Int, kernel: Int, stride: Int, affine: Bool
    ) -> Self {
        Self(
            stages: [("first", stride), ("second", 1)].map { name, stride in
                Stage(
                    scope[name], channels: channels, kernel: kernel, stride: stride, dilation: 1,
                    affine: affine)
            })
    }

    /// ReLU, depthwise with dilation 2, pointwise, batch norm.
    public static func dilated(
        _ scope: Scope, channels: Int, kernel: Int, stride: Int, affine: Bool
    ) -> Self {
        Self(stages: [
            Stage(scope, channels: channels, kernel: kernel, stride: stride, dilation: 2, affine: affine)
        ])
    }

    /// ReLU, 1×1 convolution, batch norm: what brings a cell's inputs to its number of channels.
    public static func pointwise(_ scope: Scope, inputs: Int, outputs: Int, affine: Bool) -> Self {
        Self(stages: [Stage(pointwise: scope, inputs: inputs, outputs: outputs, affine: affine)])
    }

    public func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) {
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

/// ReLU, two 1×1 convolutions of stride 2, the second of the image less its first row and column, side by
/// side; batch norm. An odd extent is padded with a row or column of zeros at its end first, where the
/// reference code cannot go on.
public struct FactorizedReduce: EdgeOperation {
    private let even, odd: Convolution
    private let norm: BatchNorm

    public var norms: [BatchNorm?] { [norm] }

    public init(_ scope: Scope, inputs: Int, outputs: Int, affine: Bool) {
        even = Convolution(scope["even"], inputs: inputs, outputs: outputs / 2, kernel: 1)
        odd = Convolution(scope["odd"], inputs: inputs, outputs: outputs - outputs / 2, kernel: 1)
        norm = BatchNorm(scope["norm"], channels: outputs, affine: affine)
    }

    public func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) throws {
        var x = sum.sources[source]
        for axis in 1...2 where x.shape[axis] % 2 == 1 { x = try x.padded(axis: axis, before: 0, after: 1) }
        let reduced = try Tensor.concatenated(
            [
                even(x.everySecondPixel(from: 0).relu(), context),
                odd(x.everySecondPixel(from: 1).relu(), context),
            ], axis: -1)
        sum.branches.append(
            MixedBranch(source: sum.add(source: reduced), .identity, normalizations: normalizations(context)))
    }
}

extension Tensor {
    /// The pixels of every second row and column of images of even extents [N, H, W, C].
    fileprivate func everySecondPixel(from first: Int) throws -> Tensor {
        let (height, width, channels) = (shape[1] / 2, shape[2] / 2, shape[3])
        // Two rows side by side, then two pixels.
        let line = 2 * width * channels
        return try reshaped(to: [-1, 2 * line]).sliced(axis: 1, from: first * line, count: line)
            .reshaped(to: [-1, height, width, 2 * channels])
            .sliced(axis: 3, from: first * channels, count: channels)
    }
}

/// ReLU, a 1×k and a k×1 convolution, batch norm; the stride is the second one's (Zoph et al., 2018).
public struct FactorizedConvolution: EdgeOperation {
    private let horizontal, vertical: Parameter
    private let norm: BatchNorm
    private let kernel, stride: Int

    public var norms: [BatchNorm?] { [norm] }

    public init(_ scope: Scope, channels: Int, kernel: Int, stride: Int, affine: Bool) {
        func weight(_ name: String, _ height: Int, _ width: Int) -> Parameter {
            scope[name].parameter(
                "weight", [height, width, channels, channels], .kaimingUniform(fanIn: kernel * channels))
        }
        horizontal = weight("horizontal", 1, kernel)
        vertical = weight("vertical", kernel, 1)
        norm = BatchNorm(scope["norm"], channels: channels, affine: affine)
        (self.kernel, self.stride) = (kernel, stride)
    }

    public func addBranch(to sum: inout MixedSum, source: Int, _ context: ForwardContext) throws {
        let border = kernel / 2
        let rows = try sum.sources[source].relu().padded(axis: 2, before: border, after: border)
            .convolution(context[horizontal])
        let convolved = try rows.padded(axis: 1, before: border, after: border)
            .convolution(context[vertical], .init(stride: stride))
        sum.branches.append(
            MixedBranch(
                source: sum.add(source: convolved), .identity, normalizations: normalizations(context)))
    }
}
