import CKernels
import Foundation
import TensorEngine

/// Depthwise convolutions: an image at a time, with its padding around it.
extension CPUBackend {
    func depthwiseConvolution(_ x: Tensor, _ weights: Tensor, _ plan: ConvolutionPlan) -> Tensor {
        let result = empty(plan.outputShape, x.dtype)
        let window = plan.paddedWindow(
            inputPitch: plan.geometry.padding == 0 ? x.pitch : plan.channels, outputPitch: plan.channels)
        parallel(plan.batch) { image in
            withPadded(x, image, plan.geometry.padding) { padded in
                withUnsafePointer(to: window) {
                    kernels(x.dtype).depthwise(
                        $0, padded, weights.pointer, nil, 0, 0, result.image(image))
                }
            }
        }
        return result
    }

    func depthwiseInputGradient(_ cotangent: Tensor, _ weights: Tensor, _ plan: ConvolutionPlan)
        -> Tensor
    {
        let result = empty(plan.input, cotangent.dtype)
        let weights = plan.adjointFlips ? flipped(weights) : weights
        parallel(plan.batch) { image in
            withScratch(plan.borderedCount + plan.adjointScratchCount, cotangent.dtype) { bordered in
                kernels(cotangent.dtype).pad_image(
                    plan.outputHeight, plan.outputWidth, plan.channels, plan.adjointBorder,
                    cotangent.image(image), cotangent.pitch, nil, nil, nil, 0, bordered)
                plan.depthwiseAdjoint(
                    self, cotangent.dtype, bordered, weights.pointer,
                    scratch: bordered + plan.borderedCount * cotangent.dtype.byteCount,
                    to: result.image(image))
            }
        }
        return result
    }

    func depthwiseWeightGradient(_ x: Tensor, _ cotangent: Tensor, _ plan: ConvolutionPlan) -> Tensor {
        let window = plan.paddedWindow(
            inputPitch: plan.geometry.padding == 0 ? x.pitch : plan.channels, outputPitch: cotangent.pitch)
        let shape: Shape = [plan.kernelHeight, plan.kernelWidth, 1, plan.outputs]
        return orderedSum(shape, x.dtype, over: plan.batch) { images, gradient in
            for image in images {
                withPadded(x, image, plan.geometry.padding) { padded in
                    withUnsafePointer(to: window) {
                        kernels(x.dtype).depthwise_weights(
                            $0, padded, cotangent.image(image), plan.outputWidth * cotangent.pitch, gradient)
                    }
                }
            }
        }
    }

    /// Depthwise weights with their taps in reverse.
    func flipped(_ weights: Tensor) -> Tensor {
        let result = empty(weights.shape, weights.dtype)
        let (taps, bytes) = (weights.shape[0] * weights.shape[1], weights.shape[3] * weights.dtype.byteCount)
        for tap in 0..<taps {
            memcpy(result.pointer + tap * bytes, weights.pointer + (taps - 1 - tap) * bytes, bytes)
        }
        return result
    }

    /// An image with zeros around it; the image itself where none are wanted.
    private func withPadded(
        _ x: Tensor, _ image: Int, _ padding: Int, _ body: (UnsafeRawPointer) -> Void
    ) {
        guard padding > 0 else { return body(x.image(image)) }
        let (height, width, channels) = (x.shape[1], x.shape[2], x.shape[3])
        withScratch((height + 2 * padding) * (width + 2 * padding) * channels, x.dtype) { padded in
            kernels(x.dtype).pad_image(
                height, width, channels, padding, x.image(image), x.pitch, nil, nil, nil, 0, padded)
            body(padded)
        }
    }
}

/// The adjoint of a depthwise convolution with respect to one image: a depthwise convolution of the padded
/// cotangent with reversed taps where the stride is 1, else scattered additions.
extension ConvolutionPlan {
    private var adjointPadding: Int { geometry.dilation * (kernelHeight - 1) - geometry.padding }

    /// Whether `depthwiseAdjoint` takes reversed taps.
    var adjointFlips: Bool { geometry.stride == 1 && kernelHeight == kernelWidth && adjointPadding >= 0 }

    /// The elements of scratch memory that it needs.
    var adjointScratchCount: Int {
        adjointFlips ? 0 : (input[1] + 2 * geometry.padding) * (input[2] + 2 * geometry.padding) * channels
    }

    /// The border of zeros that `depthwiseAdjoint` needs around the cotangent's image.
    var adjointBorder: Int { adjointFlips ? adjointPadding : 0 }

    /// The elements of an image of the cotangent with that border.
    var borderedCount: Int {
        (outputHeight + 2 * adjointBorder) * (outputWidth + 2 * adjointBorder) * channels
    }

    /// - Parameters:
    ///   - cotangent: contiguous, with a border of `adjointBorder`.
    ///   - weights: with reversed taps if `adjointFlips`.
    ///   - scratch: `adjointScratchCount` elements.
    ///   - target: the image's gradient, contiguous; all of it is written.
    ///   - mask: where given, the gradient is 0 where this image, its rows so many elements apart, is not
    ///     positive.
    ///   - accumulates: whether the gradient is added to what is there.
    func depthwiseAdjoint(
        _ backend: CPUBackend, _ dtype: DType, _ cotangent: UnsafeRawPointer, _ weights: UnsafeRawPointer,
        scratch: UnsafeMutableRawPointer, to target: UnsafeMutableRawPointer,
        mask: (UnsafeRawPointer, line: Int)? = nil, accumulates: Bool = false
    ) {
        let kernels = backend.kernels(dtype)
        let (height, width) = (input[1], input[2])
        if adjointFlips {
            let window = errata_window(
                height: outputHeight + 2 * adjointBorder, width: outputWidth + 2 * adjointBorder,
                channels: channels, output_height: height, output_width: width, kernel_height: kernelHeight,
                kernel_width: kernelWidth, stride: 1, padding: 0, dilation: geometry.dilation,
                input_pitch: channels, output_pitch: channels)
            withUnsafePointer(to: window) {
                kernels.depthwise(
                    $0, cotangent, weights, mask?.0, mask?.line ?? 0, accumulates ? 1 : 0, target)
            }
            return
        }
        let window = paddedWindow(inputPitch: channels, outputPitch: channels)
        let line = (width + 2 * geometry.padding) * channels
        let inside = scratch + geometry.padding * (line + channels) * dtype.byteCount
        memset(scratch, 0, adjointScratchCount * dtype.byteCount)
        withUnsafePointer(to: window) { kernels.depthwise_scatter($0, cotangent, weights, scratch) }
        let row = width * channels
        kernels.mask_rows(
            height, row, inside, line, mask?.0, mask?.line ?? 0, accumulates ? 1 : 0, target, row)
    }
}
