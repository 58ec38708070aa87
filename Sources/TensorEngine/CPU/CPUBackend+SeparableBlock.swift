import CKernels
import Foundation

/// ReLU → depthwise → pointwise, one image at a time: what lies between is as large as one image and stays in
/// the second-level cache.
extension CPUBackend {
    public func separableConvolution(_ x: Tensor, _ block: SeparableBlock) -> Tensor {
        let plan = SeparablePlan(self, x, block)
        let result = empty([x.shape[0], plan.height, plan.width, plan.outputs], x.dtype)
        parallel(x.shape[0]) { image in
            withScratch(plan.paddedCount, x.dtype) { padded in
                plan.pad(image, into: padded)
                withScratch(plan.pixels * plan.channels, x.dtype) { middle in
                    plan.depthwise(padded, to: middle)
                    BLAS.gemm(
                        x.dtype, m: plan.pixels, n: plan.outputs, k: plan.channels, middle, plan.channels,
                        plan.pointwiseWeights.pointer, plan.outputs, result.image(image), plan.outputs)
                }
            }
        }
        return result
    }

    public func separableConvolutionGradient(
        _ x: Tensor, _ block: SeparableBlock, cotangent: Tensor, wantsInput: Bool, wantsWeights: Bool
    ) -> (input: Tensor?, weights: (depthwise: Tensor, pointwise: Tensor)?) {
        let plan = SeparablePlan(self, x, block)
        let input = wantsInput ? empty(x.shape, x.dtype) : nil
        let adjoint = DepthwiseAdjoint(plan.convolution, cotangentPitch: plan.channels)
        let adjointWeights = adjoint.flips ? flipped(plan.depthwiseWeights) : plan.depthwiseWeights
        let pointwiseCount = plan.channels * plan.outputs

        func process(_ image: Int, sums: UnsafeMutableRawPointer?) {
            withScratch(plan.paddedCount, x.dtype) { padded in
                plan.pad(image, into: padded)
                withScratch(plan.pixels * plan.channels, x.dtype) { middle in
                    let g = cotangent.image(image)
                    if let sums {
                        plan.depthwise(padded, to: middle)
                        BLAS.gemm(
                            x.dtype, transposeA: true, m: plan.channels, n: plan.outputs, k: plan.pixels,
                            middle,
                            plan.channels, g, cotangent.pitch, beta: 1, sums, plan.outputs)
                    }
                    // From here on the middle holds its cotangent.
                    BLAS.gemm(
                        x.dtype, transposeB: true, m: plan.pixels, n: plan.channels, k: plan.outputs, g,
                        cotangent.pitch, plan.pointwiseWeights.pointer, plan.outputs, middle, plan.channels)
                    if let sums {
                        withUnsafePointer(to: plan.window) {
                            plan.kernels.depthwise_weights(
                                $0, padded, middle, sums + pointwiseCount * x.dtype.byteCount)
                        }
                    }
                    guard let input else { return }
                    adjoint.apply(
                        self, x.dtype, middle, adjointWeights.pointer, to: input.image(image), mask: padded)
                }
            }
        }

        guard wantsWeights else {
            if wantsInput { parallel(x.shape[0]) { process($0, sums: nil) } }
            return (input, nil)
        }
        // Both weights' gradients lie in one buffer, the pointwise one's first.
        let sums = orderedSum(
            [pointwiseCount + plan.depthwiseWeights.count], x.dtype, over: x.shape[0]
        ) { images, sums in
            for image in images { process(image, sums: sums) }
        }
        return (
            input,
            (
                Tensor(
                    storage: sums.storage, shape: block.depthwise.shape, dtype: x.dtype,
                    offset: pointwiseCount),
                Tensor(storage: sums.storage, shape: block.pointwise.shape, dtype: x.dtype)
            )
        )
    }
}

/// What the forward and the backward pass of a separable block share.
private struct SeparablePlan {
    let backend: CPUBackend
    let x: Tensor
    let prologue: SeparableBlock.Prologue?
    let depthwiseWeights, pointwiseWeights: Tensor
    let convolution: ConvolutionPlan
    /// The depthwise convolution's, of an image that has its padding.
    let window: errata_window

    init(_ backend: CPUBackend, _ x: Tensor, _ block: SeparableBlock) {
        self.backend = backend
        self.x = x
        prologue = block.prologue
        depthwiseWeights = backend.dense(block.depthwise)
        pointwiseWeights = backend.dense(block.pointwise)
        convolution = ConvolutionPlan(input: x.shape, weights: block.depthwise.shape, block.geometry)
        window = convolution.paddedWindow(inputPitch: x.shape[3], outputPitch: x.shape[3])
    }

    var kernels: errata_kernels { backend.kernels(x.dtype) }
    var channels: Int { x.shape[3] }
    var outputs: Int { pointwiseWeights.shape[3] }
    var height: Int { convolution.outputHeight }
    var width: Int { convolution.outputWidth }
    /// Output pixels of an image.
    var pixels: Int { height * width }
    var paddedCount: Int { window.height * window.width * channels }

    /// An image after prologue and ReLU, with zeros around it.
    func pad(_ image: Int, into padded: UnsafeMutableRawPointer) {
        kernels.pad_image(
            x.shape[1], x.shape[2], channels, convolution.geometry.padding, convolution.geometry.padding,
            x.image(image), x.pitch, prologue?.mean.pointer, prologue?.scale.pointer,
            prologue?.shift?.pointer,
            1, padded)
    }

    func depthwise(_ padded: UnsafeRawPointer, to middle: UnsafeMutableRawPointer) {
        withUnsafePointer(to: window) { kernels.depthwise($0, padded, depthwiseWeights.pointer, middle) }
    }
}
