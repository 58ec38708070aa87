import CKernels
import Foundation

/// A stage of convolutions, an image at a time: what lies between ReLU, depthwise and pointwise convolution is as
/// large as one image and stays in the second-level cache.
struct StagePlan {
    private let backend: CPUBackend
    private let dtype: DType
    private let kernels: errata_kernels
    private let depthwise, flipped: Tensor?
    private let pointwise: Tensor
    private let convolution: ConvolutionPlan
    let input, output: Shape

    init(_ backend: CPUBackend, _ stage: ConvolutionStage, input: Shape) {
        self.backend = backend
        self.input = input
        dtype = stage.pointwise.dtype
        kernels = backend.kernels(dtype)
        depthwise = stage.depthwise.map(backend.dense)
        pointwise = backend.dense(stage.pointwise)
        convolution = ConvolutionPlan(
            input: input, weights: depthwise?.shape ?? [1, 1, 1, input.channels],
            depthwise == nil ? ConvolutionGeometry() : stage.depthwiseGeometry(input))
        flipped = convolution.adjointFlips ? depthwise.map(backend.flipped) : nil
        output = [input[0], convolution.outputHeight, convolution.outputWidth, pointwise.shape[3]]
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
    var middleCount: Int { pixels * channels }
    var adjointCount: Int { convolution.adjointScratchCount }
    var depthwiseCount: Int { depthwise?.count ?? 0 }
    var parameterCount: Int { depthwiseCount + pointwise.count }

    /// relu((x − mean)·scale + shift) of an image, with zeros around it.
    func pad(
        _ image: UnsafeRawPointer, pitch: Int, _ norm: ChannelVectors?, padding: Int,
        into padded: UnsafeMutableRawPointer
    ) {
        kernels.pad_image(
            input[1], input[2], channels, padding, padding, image, pitch, norm?.mean, norm?.scale,
            norm?.shift, 1, padded)
    }

    /// - Parameters:
    ///   - padded: an image after `pad`, with a border of `padding`, which may be wider than the stage's own.
    ///   - middle: scratch of `middleCount` elements.
    ///   - target: the image's output, contiguous.
    func forward(
        _ padded: UnsafeRawPointer, padding: Int, middle: UnsafeMutableRawPointer,
        to target: UnsafeMutableRawPointer
    ) {
        if let depthwise {
            withUnsafePointer(to: window(padding)) {
                kernels.depthwise($0, inner(padded, padding), depthwise.pointer, middle)
            }
        } else if padding > 0 {
            copyInner(padded, padding, to: middle)
        }
        BLAS.gemm(
            dtype, m: pixels, n: outputs, k: channels,
            depthwise == nil && padding == 0 ? padded : UnsafeRawPointer(middle),
            channels, pointwise.pointer, outputs, target, outputs)
    }

    /// - Parameters:
    ///   - cotangent: of the image's output, contiguous.
    ///   - sums: where the weights' gradients are added, the depthwise ones' first; not computed where absent.
    ///   - target: the gradient of the image before its ReLU, contiguous; not computed where absent.
    ///   - accumulates: whether it is added to what is there.
    func gradient(
        _ padded: UnsafeRawPointer, padding: Int, cotangent: UnsafeRawPointer,
        middle: UnsafeMutableRawPointer, adjoint scratch: UnsafeMutableRawPointer,
        sums: UnsafeMutableRawPointer?, target: UnsafeMutableRawPointer?, accumulates: Bool
    ) {
        let size = dtype.byteCount
        if let sums {
            if let depthwise {
                withUnsafePointer(to: window(padding)) {
                    kernels.depthwise($0, inner(padded, padding), depthwise.pointer, middle)
                }
            } else if padding > 0 {
                copyInner(padded, padding, to: middle)
            }
            BLAS.gemm(
                dtype, transposeA: true, m: channels, n: outputs, k: pixels,
                depthwise == nil && padding == 0 ? padded : UnsafeRawPointer(middle), channels, cotangent,
                outputs, beta: 1,
                sums + depthwiseCount * size, outputs)
        }
        guard target != nil || (sums != nil && depthwise != nil) else { return }
        // From here on the middle holds its cotangent.
        BLAS.gemm(
            dtype, transposeB: true, m: pixels, n: channels, k: outputs, cotangent, outputs,
            pointwise.pointer, outputs, middle, channels)
        if let sums, depthwise != nil {
            withUnsafePointer(to: window(padding)) {
                kernels.depthwise_weights($0, inner(padded, padding), middle, sums)
            }
        }
        guard let target else { return }
        let line = (input[2] + 2 * padding) * channels
        let mask = (padded + padding * (line + channels) * size, line)
        if let depthwise {
            convolution.depthwiseAdjoint(
                backend, dtype, middle, pitch: channels, (flipped ?? depthwise).pointer, scratch: scratch,
                to: target, mask: mask, accumulates: accumulates)
        } else {
            kernels.mask_rows(
                input[1], input[2] * channels, middle, input[2] * channels, mask.0, line, accumulates ? 1 : 0,
                target, input[2] * channels)
        }
    }

    private func window(_ padding: Int) -> errata_window {
        var window = convolution.paddedWindow(inputPitch: channels, outputPitch: channels)
        window.height = input[1] + 2 * padding
        window.width = input[2] + 2 * padding
        return window
    }

    /// Where the stage's own border begins in a wider one.
    private func inner(_ padded: UnsafeRawPointer, _ padding: Int) -> UnsafeRawPointer {
        let margin = padding - self.padding
        return padded + margin * (input[2] + 2 * padding + 1) * channels * dtype.byteCount
    }

    private func copyInner(_ padded: UnsafeRawPointer, _ padding: Int, to middle: UnsafeMutableRawPointer) {
        let row = input[2] * channels * dtype.byteCount
        let line = (input[2] + 2 * padding) * channels * dtype.byteCount
        for y in 0..<input[1] {
            memcpy(middle + y * row, inner(padded, padding) + y * line, row)
        }
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
