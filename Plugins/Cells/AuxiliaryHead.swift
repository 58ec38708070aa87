import ErrataCore
import NeuralNetworks
import TensorEngine

/// A small classifier on features of 8×8 or more: its loss helps the lower cells train.
///
/// It rectifies its own view of the features. The published code rectifies them in place, so that what follows sees
/// them rectified too where the head is on the last cell; this is the evident intent.
struct AuxiliaryHead: Sendable {
    private static let smallestExtent = 8
    private let reduce, convolution: Convolution
    private let norm0, norm1: BatchNorm
    private let classifier: Linear

    init(_ scope: Scope, inputs: Int, classes: Int) {
        reduce = Convolution(scope["reduce"], inputs: inputs, outputs: 128, kernel: 1)
        norm0 = BatchNorm(scope["norm0"], channels: 128)
        convolution = Convolution(scope["convolution"], inputs: 128, outputs: 768, kernel: 2, padding: 0)
        norm1 = BatchNorm(scope["norm1"], channels: 768)
        classifier = Linear(scope["classifier"], inputs: 768, outputs: classes)
    }

    /// - Throws: `SettingError` if images leave too small features at a cell.
    static func requireRoom(
        for images: ImageSpecification, at cell: CellStack.Cell, of stack: CellStack
    ) throws {
        let reductions = stack.cells[...cell.index].count { $0.kind == .reduction }
        let extents = [images.height, images.width].map { ($0 + (1 << reductions) - 1) >> reductions }
        guard extents.allSatisfy({ $0 >= smallestExtent }) else {
            let smallest = (smallestExtent - 1) << reductions + 1
            throw SettingError(
                "evaluation.network.auxiliary",
                "images of \(images.height)×\(images.width) leave features of \(extents[0])×\(extents[1]) at "
                    + "cell \(cell.index), expected at least \(smallestExtent)×\(smallestExtent) (images of "
                    + "\(smallest)×\(smallest)): set it to false")
        }
    }

    /// [N, H, W, inputs] → [N, classes].
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let pooled = try x.relu().averagePool(PoolingWindow(size: 5, stride: 3, padding: 0))
        let reduced = try norm0(reduce(pooled, context), context).relu()
        let features = try norm1(convolution(reduced, context), context).relu()
        return try classifier(features.globalAveragePool(), context)
    }
}
