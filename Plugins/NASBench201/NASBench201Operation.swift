import Cells
import ErrataCore
import NeuralNetworks

/// What an edge of a cell may be, in the order of A's columns.
public enum NASBench201Operation: String, CaseIterable, Sendable {
    case none
    case skipConnect = "skip_connect"
    case convolution1x1 = "nor_conv_1x1"
    case convolution3x3 = "nor_conv_3x3"
    case averagePool3x3 = "avg_pool_3x3"

    /// The operation as cells build it. The reference code's convolutions have a bias in the search, which the batch norm
    /// behind them takes away again; these have none.
    public var cellOperation: CellOperation {
        switch self {
        case .none: .zero
        case .skipConnect: CellOperation(rawValue) { _, _, _, _ in Identity() }
        case .convolution1x1:
            CellOperation(rawValue) { scope, channels, _, affine in
                ConvolutionOperation.pointwise(scope, inputs: channels, outputs: channels, affine: affine)
            }
        case .convolution3x3:
            CellOperation(rawValue) { scope, channels, _, affine in
                let layer = ReLUConvolutionNorm(scope, inputs: channels, outputs: channels, affine: affine)
                return ComposedOperation { try layer($0, $1) }
            }
        case .averagePool3x3:
            // Affine pools are those without a batch norm.
            CellOperation(rawValue) { scope, channels, stride, _ in
                Pooling(scope, channels: channels, stride: stride, affine: true, isMaximum: false)
            }
        }
    }
}
