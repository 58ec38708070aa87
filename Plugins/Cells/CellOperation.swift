import ErrataCore
import NeuralNetworks
import TensorEngine

/// A candidate operation of a cell space: its name in genotypes, and how it is built for an edge.
///
///     CellOperation("conv_1x1") { scope, channels, stride, affine in
///         let convolution = Convolution(scope, inputs: channels, outputs: channels, kernel: 1, stride: stride)
///         let norm = BatchNorm(scope["norm"], channels: channels, affine: affine)
///         return ComposedOperation { x, context in try norm(convolution(x.relu(), context), context) }
///     }
public struct CellOperation: Sendable {
    /// - Parameters:
    ///   - scope: where the operation declares its parameters.
    ///   - channels: of input and output.
    ///   - stride: 1 or 2.
    ///   - affine: whether batch norms have γ and β: not in a search, but in derived networks.
    public typealias Make =
        @Sendable (_ scope: Scope, _ channels: Int, _ stride: Int, _ affine: Bool) -> any EdgeOperation

    /// As genotypes have it, such as `sep_conv_3x3`.
    public let name: String
    private let make: Make?

    public init(_ name: String, make: @escaping Make) {
        self.name = name
        self.make = make
    }

    /// `none`, no connection: it takes part in the softmax and computes nothing; a genotype never names it.
    public static let zero = CellOperation()

    private init() {
        name = "none"
        make = nil
    }

    /// Whether there is something to compute.
    public var computes: Bool { make != nil }

    /// Whether it has weights of its own, where it hands on its input's extent.
    public var learns: Bool {
        let builder = LayoutBuilder()
        _ = make?(builder.root, 2, 1, false)
        return !builder.layout.parameters.isEmpty
    }

    /// The operation of an edge, or nil for `zero`. Parameters as of `Make`.
    public func operation(_ scope: Scope, channels: Int, stride: Int, affine: Bool) -> (any EdgeOperation)? {
        make?(scope, channels, stride, affine)
    }
}

extension CellOperation {
    /// The operation with its output changed; the operation itself where there is no change.
    public func followed(by change: Relaxation.Transformation?) -> CellOperation {
        guard let change, computes else { return self }
        return CellOperation(name) { scope, channels, stride, affine in
            let operation = self.operation(scope, channels: channels, stride: stride, affine: affine)!
            return ComposedOperation { try change(operation($0, $1), $1) }
        }
    }
}

/// The operations of DARTS (section 3.1, and its published code).
extension CellOperation {
    /// Those of DARTS, and what other spaces and published cells have besides.
    public static let library = darts + [.separableConvolution(7), .factorizedConvolution(7), .noise]

    /// All eight, in the order of its architecture parameters' columns.
    public static let darts: [CellOperation] = [
        .zero, .maxPool3x3, .averagePool3x3, .skipConnect, .separableConvolution(3), .separableConvolution(5),
        .dilatedConvolution(3), .dilatedConvolution(5),
    ]

    public static let maxPool3x3 = CellOperation("max_pool_3x3") {
        Pooling($0, channels: $1, stride: $2, affine: $3, isMaximum: true)
    }

    public static let averagePool3x3 = CellOperation("avg_pool_3x3") {
        Pooling($0, channels: $1, stride: $2, affine: $3, isMaximum: false)
    }

    /// The identity, or a factorised reduction where the stride is 2.
    public static let skipConnect = CellOperation("skip_connect") { scope, channels, stride, affine in
        guard stride > 1 else { return Identity() }
        return FactorizedReduce(scope, inputs: channels, outputs: channels, affine: affine)
    }

    /// `sep_conv_3x3` and the like.
    public static func separableConvolution(_ kernel: Int) -> CellOperation {
        CellOperation("sep_conv_\(kernel)x\(kernel)") {
            ConvolutionOperation.separable($0, channels: $1, kernel: kernel, stride: $2, affine: $3)
        }
    }

    /// `conv_7x1_1x7` and the like.
    public static func factorizedConvolution(_ kernel: Int) -> CellOperation {
        CellOperation("conv_\(kernel)x1_1x\(kernel)") {
            FactorizedConvolution($0, channels: $1, kernel: kernel, stride: $2, affine: $3)
        }
    }

    /// Standard normal noise in place of the input, in training and in evaluation: an operation that should not be
    /// chosen (Zela et al., 2020, section 3).
    public static let noise = CellOperation("noise") { _, _, stride, _ in
        ComposedOperation { x, context in
            try x.backend.normal(
                [x.shape[0], (x.shape[1] - 1) / stride + 1, (x.shape[2] - 1) / stride + 1, x.shape[3]],
                x.dtype,
                from: context.random.derived("noise"))
        }
    }

    /// `dil_conv_3x3` and the like.
    public static func dilatedConvolution(_ kernel: Int) -> CellOperation {
        CellOperation("dil_conv_\(kernel)x\(kernel)") {
            ConvolutionOperation.dilated($0, channels: $1, kernel: kernel, stride: $2, affine: $3)
        }
    }
}
