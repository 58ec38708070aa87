import CKernels
import Foundation
import TensorEngine

/// How the CPU takes the images of a batch through a mixed sum: what its forward and backward passes share.
final class MixedPlan: @unchecked Sendable {
    let backend: CPUBackend
    let sum: MixedSum
    let dtype: DType
    let kernels: errata_kernels
    let images: Int
    let output: Shape
    /// By branch.
    let stages: [[StagePlan]]
    /// The border of zeros around the images of each source, which all its branches' first stages share.
    let paddings: [Int]
    /// The branches of each source.
    let branches: [[Int]]
    /// Stages of the longest branch; a branch without convolutions counts as one.
    let rounds: Int
    /// What each image's result is multiplied by, by branch.
    let imageFactors: [[Double]?]

    /// What a plan is for: the two passes need other forms of the weights.
    enum Pass { case forward, gradient }

    init(_ backend: CPUBackend, _ sum: MixedSum, for pass: Pass) {
        self.backend = backend
        self.sum = sum
        let first = sum.sources[sum.branches[0].source]
        dtype = first.dtype
        kernels = backend.kernels(dtype)
        images = first.shape[0]
        var shape = first.shape
        stages = sum.branches.map { branch in
            shape = sum.sources[branch.source].shape
            switch branch.transform {
            case .maxPool(let window), .averagePool(let window): shape = window.outputShape(shape)
            case .identity, .convolutions: break
            }
            return branch.stages.map { stage in
                let plan = StagePlan(backend, stage, input: shape, for: pass)
                shape = plan.output
                return plan
            }
        }
        output = shape
        var (paddings, branches) = (
            [Int](repeating: 0, count: sum.sources.count), [[Int]](repeating: [], count: sum.sources.count)
        )
        for (index, branch) in sum.branches.enumerated() {
            branches[branch.source].append(index)
            if let stage = stages[index].first {
                paddings[branch.source] = max(paddings[branch.source], stage.padding)
            }
        }
        (self.paddings, self.branches) = (paddings, branches)
        rounds = max(stages.map(\.count).max()!, 1)
        imageFactors = sum.branches.map { $0.imageFactors?.hostDoubles }
    }

    var size: Int { dtype.byteCount }
    var channels: Int { output.channels }
    /// Output pixels of an image.
    var pixels: Int { output[1] * output[2] }
    /// Elements of an image's output.
    var outputCount: Int { pixels * channels }

    /// The shape that a branch's batch norm normalises.
    func normalizedShape(_ branch: Int, _ norm: Int) -> Shape {
        stages[branch].isEmpty ? output : stages[branch][norm].output
    }

    /// The weight of each branch.
    func weights() -> [Double] {
        guard let weights = sum.weights else { return sum.branches.map { _ in 1 } }
        return weights.hostDoubles
    }

    /// The elements of scratch memory that one thread needs: a padded image, the image between two
    /// convolutions, one before an adjoint convolution, and an image of output for each of so many.
    func scratch(outputs: Int) -> Scratch {
        let all = stages.joined()
        let padded = max(
            all.map { $0.paddedCount($0.padding) }.max() ?? 0,
            sum.sources.indices.map { source in
                branches[source].compactMap { stages[$0].first }.map { $0.paddedCount(paddings[source]) }
                    .max() ?? 0
            }.max()!)
        return Scratch(
            plan: self, padded: padded, middle: all.map(\.middleCount).max() ?? 0,
            adjoint: all.map(\.adjointCount).max() ?? 0, outputs: outputs,
            output: max(all.map { $0.pixels * $0.outputs }.max() ?? 0, outputCount))
    }

    struct Scratch {
        private let plan: MixedPlan
        private let padded, middle, adjoint, outputs, output: Int

        fileprivate init(plan: MixedPlan, padded: Int, middle: Int, adjoint: Int, outputs: Int, output: Int) {
            // Parts begin on cache lines.
            func rounded(_ count: Int) -> Int { (count + 15) / 16 * 16 }
            self.plan = plan
            self.padded = rounded(padded)
            self.middle = rounded(middle)
            self.adjoint = rounded(adjoint)
            self.outputs = outputs
            self.output = rounded(output)
        }

        func use(_ body: (Memory) -> Void) {
            let count = padded + middle + adjoint + outputs * output
            plan.backend.withScratch(count, plan.dtype) { start in
                body(
                    Memory(
                        padded: start, middle: start + padded * plan.size,
                        adjoint: start + (padded + middle) * plan.size,
                        firstOutput: start + (padded + middle + adjoint) * plan.size,
                        stride: output * plan.size))
            }
        }
    }

    struct Memory {
        let padded, middle, adjoint: UnsafeMutableRawPointer
        fileprivate let firstOutput: UnsafeMutableRawPointer
        fileprivate let stride: Int

        func output(_ index: Int) -> UnsafeMutableRawPointer { firstOutput + index * stride }
    }

    /// A source's image after its ReLU, with zeros around it.
    func padSource(_ source: Int, _ image: Int, into padded: UnsafeMutableRawPointer) {
        guard let stage = branches[source].lazy.compactMap({ self.stages[$0].first }).first else { return }
        let x = sum.sources[source]
        stage.pad(x.image(image), pitch: x.pitch, nil, padding: paddings[source], into: padded)
    }

    /// The value of a branch without convolutions: where its image lies, computed first if it is a pool.
    func simpleOutput(_ branch: Int, _ image: Int, into target: UnsafeMutableRawPointer)
        -> (pointer: UnsafeRawPointer, pitch: Int)
    {
        let x = sum.sources[sum.branches[branch].source]
        switch sum.branches[branch].transform {
        case .maxPool(let window):
            withUnsafePointer(to: errata_window(pooling: window, x.shape, inputPitch: x.pitch)) {
                kernels.max_pool($0, x.image(image), target, nil)
            }
        case .averagePool(let window):
            withUnsafePointer(to: errata_window(pooling: window, x.shape, inputPitch: x.pitch)) {
                kernels.average_pool($0, x.image(image), target)
            }
        case .identity, .convolutions: return (UnsafeRawPointer(x.image(image)), x.pitch)
        }
        return (UnsafeRawPointer(target), channels)
    }

    /// The factor 1/√(σ² + ε) of a batch norm, its mean and its γ and β.
    func constants(_ branch: Int, _ norm: Int, _ moments: MixedSumRecord.Moments) -> NormConstants {
        let normalization = sum.branches[branch].normalizations[norm]!
        return NormConstants(
            mean: moments.mean.hostDoubles,
            factor: moments.variance.hostDoubles.map { 1 / ($0 + normalization.epsilon).squareRoot() },
            scale: normalization.affine.map { $0.scale.hostDoubles },
            shift: normalization.affine.map { $0.shift.hostDoubles })
    }
}

/// The numbers of a batch norm, in Float64.
struct NormConstants {
    let mean, factor: [Double]
    let scale, shift: [Double]?

    /// factor·γ
    var slope: [Double] { scale.map { zip(factor, $0).map(*) } ?? factor }

    func vectors(_ backend: CPUBackend, _ dtype: DType) -> ChannelVectors {
        ChannelVectors(backend, dtype, mean: mean, scale: slope, shift: shift)
    }
}

extension Tensor {
    /// The elements of a contiguous tensor that the CPU backend holds.
    var hostDoubles: [Double] {
        func values<T: BinaryFloatingPoint>(_: T.Type) -> [Double] {
            UnsafeBufferPointer(start: pointer.assumingMemoryBound(to: T.self), count: count).map {
                Double($0)
            }
        }
        return dtype == .float32 ? values(Float.self) : values(Double.self)
    }
}
