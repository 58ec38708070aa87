import ErrataCore
import NeuralNetworks
import TensorEngine

/// A small classifier on features of 8×8 or more, of 7×7 or more over an ImageNet stem: its loss helps the lower cells
/// train.
///
/// It rectifies its own view of the features. The published code rectifies them in place, so that what follows sees
/// them rectified too where the head is on the last cell; this is the evident intent.
struct AuxiliaryHead: Sendable {
    private let stem: StemKind
    private let reduce, convolution: Convolution
    private let norm0: BatchNorm
    private let norm1: BatchNorm?
    private let classifier: Linear

    /// - Parameters:
    ///   - scope: where the head declares its parameters.
    ///   - stem: of the network.
    ///   - hasLastNorm: whether batch norm follows the last convolution.
    ///   - inputs: channels of the features.
    ///   - classes: how many.
    init(_ scope: Scope, _ stem: StemKind, hasLastNorm: Bool, inputs: Int, classes: Int) {
        self.stem = stem
        reduce = Convolution(scope["reduce"], inputs: inputs, outputs: 128, kernel: 1)
        norm0 = BatchNorm(scope["norm0"], channels: 128)
        convolution = Convolution(scope["convolution"], inputs: 128, outputs: 768, kernel: 2, padding: 0)
        norm1 = hasLastNorm ? BatchNorm(scope["norm1"], channels: 768) : nil
        classifier = Linear(scope["classifier"], inputs: 768, outputs: classes)
    }

    /// - Throws: `SettingError` if images leave too small features at a cell.
    static func requireRoom(
        for images: ImageSpecification, at cell: CellStack.Cell, of stack: CellStack
    ) throws {
        let halvings = stack.stem.halvings + stack.cells[...cell.index].count { $0.kind == .reduction }
        let extents = [images.height, images.width].map { ($0 + (1 << halvings) - 1) >> halvings }
        let smallestExtent = stack.stem.smallestAuxiliaryExtent
        guard extents.allSatisfy({ $0 >= smallestExtent }) else {
            let smallest = (smallestExtent - 1) << halvings + 1
            throw SettingError(
                "evaluation.network.auxiliary",
                "images of \(images.height)×\(images.width) leave features of \(extents[0])×\(extents[1]) at "
                    + "cell \(cell.index), expected at least \(smallestExtent)×\(smallestExtent) (images of "
                    + "\(smallest)×\(smallest)): set it to false")
        }
    }

    /// [N, H, W, inputs] → [N, classes].
    func callAsFunction(_ x: Tensor, _ context: ForwardContext) throws -> Tensor {
        let pooled = try x.relu().averagePool(
            PoolingWindow(size: 5, stride: stem.auxiliaryStride, padding: 0))
        let reduced = try norm0(reduce(pooled, context), context).relu()
        let convolved = try convolution(reduced, context)
        let features = try (norm1.map { try $0(convolved, context) } ?? convolved).relu()
        return try classifier(features.globalAveragePool(), context)
    }
}

extension StemKind {
    /// The stride of the auxiliary head's pool.
    fileprivate var auxiliaryStride: Int { self == .cifar ? 3 : 2 }

    /// What is left after the pool is 2×2 at least.
    fileprivate var smallestAuxiliaryExtent: Int { 5 + auxiliaryStride }
}
