import CKernels
import Foundation
import TensorEngine

/// A stage of convolutions, an image at a time: what lies between ReLU, depthwise and pointwise convolution is as
/// large as one image and stays in the second-level cache.
final class StagePlan: @unchecked Sendable {
    private let backend: CPUBackend
    private let dtype: DType
    private let kernels: errata_kernels
    private let depthwise: Tensor?
    /// What `depthwiseAdjoint` takes; absent in the forward pass.
    private let adjointDepthwise: Tensor?
    /// [C, O] in the forward pass, [O, C] in the gradient's.
    private let pointwise: PackedMatrix
    private let convolution: ConvolutionPlan
    let input, output: Shape

    init(_ backend: CPUBackend, _ stage: ConvolutionStage, input: Shape, for pass: MixedPlan.Pass) {
        self.backend = backend
        self.input = input
        dtype = stage.pointwise.dtype
        kernels = backend.kernels(dtype)
        depthwise = stage.depthwise.map(backend.dense)
        pointwise = PackedMatrix(backend, stage.pointwise, transposed: pass == .gradient)
        convolution = ConvolutionPlan(
            input: input, weights: depthwise?.shape ?? [1, 1, 1, input.channels],
            depthwise == nil ? ConvolutionGeometry() : stage.depthwiseGeometry(input))
        adjointDepthwise =
            pass == .forward ? nil : convolution.adjointFlips ? depthwise.map(backend.flipped) : depthwise
        output = [input[0], convolution.outputHeight, convolution.outputWidth, stage.pointwise.shape[3]]
    }

    var channels: Int { input.channels }
    var outputs: Int { output.channels }
    /// Output pixels of an image.
    var pixels: Int { output[1] * output[2] }
    /// The border of zeros that the stage needs around an image.
    var padding: Int { convolution.geometry.padding }

    func paddedCount(_ padding: Int) -> Int {
        (input[1] + 2 * padding) * (input[2] + 2 * padding) * channels
    }
    /// Rows of the output that are taken together from one convolution to the next, within the first-level cache.
    private var rowsAtOnce: Int {
        max(Self.firstLevel / (output[2] * max(channels, outputs) * dtype.byteCount), 1)
    }
    private static let firstLevel = 16 << 10

    /// Elements of what lies between the convolutions for so many rows, and as many of their output.
    var middleCount: Int { min(rowsAtOnce, output[1]) * output[2] * (channels + outputs) }
    var adjointCount: Int { convolution.borderedCount + convolution.adjointScratchCount }
    var depthwiseCount: Int { depthwise?.count ?? 0 }
    var parameterCount: Int { depthwiseCount + channels * outputs }

    /// relu((x − mean)·scale + shift) of an image, with zeros around it.
    func pad(
        _ image: UnsafeRawPointer, pitch: Int, _ norm: ChannelVectors?, padding: Int,
        into padded: UnsafeMutableRawPointer
    ) {
        kernels.pad_image(
            input[1], input[2], channels, padding, image, pitch, norm?.mean, norm?.scale,
            norm?.shift, 1, padded)
    }

    /// - Parameters:
    ///   - padded: an image after `pad`, with a border of `padding`, which may be wider than the stage's own.
    ///   - middle: scratch memory of `middleCount` elements.
    ///   - target: the image's output, contiguous.
    func forward(
        _ padded: UnsafeRawPointer, padding: Int, middle: UnsafeMutableRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        eachRows { rows in
            kernels.products(
                rowsInput(rows, padded, padding, middle: middle), pointwise.matrix, rows.count * output[2],
                target + rows.lowerBound * output[2] * outputs * dtype.byteCount, 0)
        }
    }

    /// - Parameters:
    ///   - cotangent: writes that of so many pixels of the image's output, from the first on, contiguous.
    ///   - sums: where the weights' gradients are added, the depthwise ones' first; not computed where absent.
    ///   - target: the gradient of the image before its ReLU, contiguous; not computed where absent.
    ///   - accumulates: whether it is added to what is there.
    func gradient(
        _ padded: UnsafeRawPointer, padding: Int, middle: UnsafeMutableRawPointer,
        adjoint scratch: UnsafeMutableRawPointer, sums: UnsafeMutableRawPointer?,
        target: UnsafeMutableRawPointer?, accumulates: Bool,
        cotangent: (_ first: Int, _ count: Int, _ target: UnsafeMutableRawPointer) -> Void
    ) {
        let size = dtype.byteCount
        let wantsInput = target != nil || (sums != nil && depthwise != nil)
        // The cotangent of the pointwise convolution's input, within the border that the adjoint needs.
        let border = convolution.adjointBorder
        let line = (output[2] + 2 * border) * channels
        let inside = scratch + border * (line + channels) * size
        if wantsInput { kernels.zero_border(output[1], output[2], channels, border, scratch) }
        eachRows { rows in
            let (first, pixels) = (rows.lowerBound * output[2], rows.count * output[2])
            let g = middle + min(rowsAtOnce, output[1]) * output[2] * channels * size
            cotangent(first, pixels, g)
            if let sums {
                kernels.accumulate_products(
                    rowsInput(rows, padded, padding, middle: middle), errata_matrix(g, pixels, outputs),
                    sums + depthwiseCount * size)
            }
            if wantsInput {
                kernels.products(
                    errata_matrix(g, pixels, outputs), pointwise.matrix, output[2],
                    inside + rows.lowerBound * line * size, line)
            }
        }
        if let sums, depthwise != nil {
            withUnsafePointer(to: window(padding)) {
                kernels.depthwise_weights($0, inner(padded, padding), inside, line, sums)
            }
        }
        guard let target else { return }
        let maskLine = (input[2] + 2 * padding) * channels
        let mask = padded + padding * (maskLine + channels) * size
        if let adjointDepthwise {
            convolution.depthwiseAdjoint(
                backend, dtype, scratch, adjointDepthwise.pointer,
                scratch: scratch + convolution.borderedCount * size, to: target, mask: (mask, maskLine),
                accumulates: accumulates)
        } else {
            kernels.mask_rows(
                input[1], input[2] * channels, scratch, input[2] * channels, mask, maskLine,
                accumulates ? 1 : 0,
                target, input[2] * channels)
        }
    }

    private func eachRows(_ body: (Range<Int>) -> Void) {
        let step = rowsAtOnce
        for first in stride(from: 0, to: output[1], by: step) { body(first..<min(first + step, output[1])) }
    }

    /// The pixels of some rows of what the pointwise convolution is of: computed into `middle` where need be.
    private func rowsInput(
        _ rows: Range<Int>, _ padded: UnsafeRawPointer, _ padding: Int, middle: UnsafeMutableRawPointer
    ) -> errata_matrix {
        let line = (input[2] + 2 * padding) * channels * dtype.byteCount
        let first = inner(padded, padding) + rows.lowerBound * convolution.geometry.stride * line
        if let depthwise {
            var window = window(padding)
            window.output_height = rows.count
            withUnsafePointer(to: window) {
                kernels.depthwise($0, first, depthwise.pointer, nil, 0, 0, middle)
            }
        } else if padding > 0 {
            let row = input[2] * channels * dtype.byteCount
            for y in 0..<rows.count { memcpy(middle + y * row, first + y * line, row) }
        } else {
            return errata_matrix(first, rows.count * output[2], channels)
        }
        return errata_matrix(middle, rows.count * output[2], channels)
    }

    private func window(_ padding: Int) -> errata_window {
        convolution.paddedWindow(border: padding, inputPitch: channels, outputPitch: channels)
    }

    /// Where the stage's own border begins in a wider one.
    private func inner(_ padded: UnsafeRawPointer, _ padding: Int) -> UnsafeRawPointer {
        let margin = padding - self.padding
        return padded + margin * (input[2] + 2 * padding + 1) * channels * dtype.byteCount
    }
}

/// What a batch norm does to a channel: (x − mean)·scale + shift.
struct ChannelVectors {
    private let tensor: Tensor
    private let hasShift: Bool

    init(_ backend: CPUBackend, _ dtype: DType, mean: [Double], scale: [Double], shift: [Double]?) {
        tensor = backend.empty([3, mean.count], dtype)
        hasShift = shift != nil
        for (row, values) in [mean, scale, shift ?? mean].enumerated() {
            backend.store(values, dtype, tensor.element(row * mean.count))
        }
    }

    var mean: UnsafeRawPointer { UnsafeRawPointer(tensor.pointer) }
    var scale: UnsafeRawPointer { UnsafeRawPointer(tensor.element(tensor.shape[1])) }
    var shift: UnsafeRawPointer? { hasShift ? UnsafeRawPointer(tensor.element(2 * tensor.shape[1])) : nil }
}

/// A 1×1 convolution's weights [1, 1, C, O] as a matrix [C, O] or [O, C], each of whose rows is filled up to whole
/// vectors.
private struct PackedMatrix {
    private let rows, columns: Int
    private let tensor: Tensor

    init(_ backend: CPUBackend, _ weights: Tensor, transposed: Bool) {
        let (inputs, outputs) = (weights.shape[2], weights.shape[3])
        let (rows, columns) = transposed ? (outputs, inputs) : (inputs, outputs)
        (self.rows, self.columns) = (rows, columns)
        let lanes = backend.isa.lanes(weights.dtype)
        let pitch = (columns + lanes - 1) / lanes * lanes
        tensor = backend.full(0, [rows, pitch], weights.dtype)
        func pack<T>(_: T.Type) {
            let from = weights.pointer.assumingMemoryBound(to: T.self)
            let to = tensor.pointer.assumingMemoryBound(to: T.self)
            for row in 0..<rows {
                for column in 0..<columns {
                    let (input, output) = transposed ? (column, row) : (row, column)
                    to[row * pitch + column] = from[input * weights.pitch + output]
                }
            }
        }
        if weights.dtype == .float32 { pack(Float.self) } else { pack(Double.self) }
    }

    var matrix: errata_matrix {
        errata_matrix(elements: tensor.pointer, rows: rows, columns: columns, pitch: tensor.shape[1])
    }
}

extension errata_matrix {
    /// A contiguous one.
    fileprivate init(_ elements: UnsafeRawPointer, _ rows: Int, _ columns: Int) {
        self.init(elements: elements, rows: rows, columns: columns, pitch: columns)
    }
}
