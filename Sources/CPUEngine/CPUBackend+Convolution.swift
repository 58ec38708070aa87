import CKernels
import Foundation
import TensorEngine

/// Convolutions: 1×1 ones are matrix products of the pixels themselves, depthwise ones have kernels of their
/// own, all others are matrix products of the patches that im2col copies out, a few rows or images at a time, by the
/// kernels for narrow products where there are few outputs.
extension CPUBackend {
    public func convolution(_ x: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry) -> Tensor {
        let plan = ConvolutionPlan(input: x.shape, weights: weights.shape, geometry)
        let weights = dense(weights)
        if plan.isDepthwise { return depthwiseConvolution(x, weights, plan) }
        let result = empty(plan.outputShape, x.dtype)
        parallel(plan.blocks.count) { index in
            let block = plan.blocks[index]
            for group in 0..<plan.geometry.groups {
                withPatches(of: x, plan, block, group) { patches, pitch in
                    if plan.suitsProducts {
                        kernels(x.dtype).products(
                            errata_matrix(
                                elements: patches, rows: block.pixels, columns: plan.patch, pitch: pitch),
                            errata_matrix(
                                elements: weights.pointer, rows: plan.patch, columns: plan.outputs,
                                pitch: plan.outputs), block.pixels,
                            result.element(block.firstPixel * plan.outputs), 0)
                        return
                    }
                    BLAS.gemm(
                        x.dtype, m: block.pixels, n: plan.groupOutputs, k: plan.patch, patches, pitch,
                        weights.element(group * plan.groupOutputs), plan.outputs,
                        result.element(block.firstPixel * plan.outputs + group * plan.groupOutputs),
                        plan.outputs)
                }
            }
        }
        return result
    }

    public func convolutionInputGradient(
        _ cotangent: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry, inputShape: Shape
    ) -> Tensor {
        let plan = ConvolutionPlan(input: inputShape, weights: weights.shape, geometry)
        let weights = dense(weights)
        if plan.isDepthwise { return depthwiseInputGradient(cotangent, weights, plan) }
        if plan.isPointwise {
            let result = empty(inputShape, cotangent.dtype)
            parallel(plan.blocks.count) { index in
                let block = plan.blocks[index]
                BLAS.gemm(
                    cotangent.dtype, transposeB: true, m: block.pixels, n: plan.channels, k: plan.outputs,
                    cotangent.element(block.firstPixel * cotangent.pitch), cotangent.pitch, weights.pointer,
                    plan.outputs, result.element(block.firstPixel * plan.channels), plan.channels)
            }
            return result
        }
        if plan.suitsAdjoint {
            // The adjoint of a convolution of stride 1 is one by the turned kernel.
            let border = geometry.dilation * (plan.kernelHeight - 1) - geometry.padding
            return convolution(
                cotangent, turned(weights), .init(padding: border, dilation: geometry.dilation))
        }
        let result = full(0, inputShape, cotangent.dtype)
        let kernel = kernels(cotangent.dtype).col2im!
        let window = plan.window(inputPitch: plan.channels)
        // Patches overlap within an image, so one thread adds up all of an image's.
        parallel(plan.blocksByImages.count) { index in
            for block in plan.blocksByImages[index] {
                for group in 0..<plan.geometry.groups {
                    withScratch(block.pixels * plan.patch, cotangent.dtype) { patches in
                        BLAS.gemm(
                            cotangent.dtype, transposeB: true, m: block.pixels, n: plan.patch,
                            k: plan.groupOutputs,
                            cotangent.element(
                                block.firstPixel * cotangent.pitch + group * plan.groupOutputs),
                            cotangent.pitch, weights.element(group * plan.groupOutputs), plan.outputs,
                            patches,
                            plan.patch)
                        block.eachImage(plan, patches, cotangent.dtype) { image, patches in
                            withUnsafePointer(to: window) {
                                kernel(
                                    $0, block.rows.lowerBound, block.rows.count, patches,
                                    result.element(
                                        image * plan.inputPixels * plan.channels + group * plan.groupChannels)
                                )
                            }
                        }
                    }
                }
            }
        }
        return result
    }

    public func convolutionWeightGradient(
        _ x: Tensor, _ cotangent: Tensor, _ geometry: ConvolutionGeometry, weightShape: Shape
    ) -> Tensor {
        let plan = ConvolutionPlan(input: x.shape, weights: weightShape, geometry)
        if plan.isDepthwise { return depthwiseWeightGradient(x, cotangent, plan) }
        return orderedSum(weightShape, x.dtype, over: plan.blocks.count) { blocks, gradient in
            for block in plan.blocks[blocks] {
                for group in 0..<plan.geometry.groups {
                    withPatches(of: x, plan, block, group) { patches, pitch in
                        if plan.suitsProducts {
                            kernels(x.dtype).accumulate_products(
                                errata_matrix(
                                    elements: patches, rows: block.pixels, columns: plan.patch, pitch: pitch),
                                errata_matrix(
                                    elements: cotangent.element(block.firstPixel * cotangent.pitch),
                                    rows: block.pixels, columns: plan.outputs, pitch: cotangent.pitch),
                                gradient)
                            return
                        }
                        BLAS.gemm(
                            x.dtype, transposeA: true, m: plan.patch, n: plan.groupOutputs, k: block.pixels,
                            patches, pitch,
                            cotangent.element(
                                block.firstPixel * cotangent.pitch + group * plan.groupOutputs),
                            cotangent.pitch, beta: 1,
                            gradient + group * plan.groupOutputs * x.dtype.byteCount, plan.outputs)
                    }
                }
            }
        }
    }

    // MARK: -

    /// A kernel [height, width, inputs, outputs] as [height, width, outputs, inputs], turned by half a circle.
    private func turned(_ weights: Tensor) -> Tensor {
        let (taps, inputs, outputs) = (
            weights.shape[0] * weights.shape[1], weights.shape[2], weights.shape[3]
        )
        let result = empty([weights.shape[0], weights.shape[1], outputs, inputs], weights.dtype)
        func fill<Scalar>(_ type: Scalar.Type) {
            let source = weights.pointer.assumingMemoryBound(to: type)
            let target = result.pointer.assumingMemoryBound(to: type)
            for tap in 0..<taps {
                for input in 0..<inputs {
                    for output in 0..<outputs {
                        target[((taps - 1 - tap) * outputs + output) * inputs + input] =
                            source[(tap * inputs + input) * outputs + output]
                    }
                }
            }
        }
        weights.dtype == .float32 ? fill(Float.self) : fill(Double.self)
        return result
    }

    /// The tensor itself, or a contiguous copy of a view.
    func dense(_ x: Tensor) -> Tensor { x.isContiguous ? x : contiguous(x) }

    /// The patches of a block's pixels as the rows of a matrix.
    private func withPatches(
        of x: Tensor, _ plan: ConvolutionPlan, _ block: ConvolutionPlan.Block, _ group: Int,
        _ body: (UnsafeRawPointer, _ pitch: Int) -> Void
    ) {
        if plan.isPointwise { return body(x.element(block.firstPixel * x.pitch), x.pitch) }
        let window = plan.window(inputPitch: x.pitch)
        let kernel = kernels(x.dtype).im2col!
        withScratch(block.pixels * plan.patch, x.dtype) { patches in
            block.eachImage(plan, patches, x.dtype) { image, patches in
                withUnsafePointer(to: window) {
                    kernel(
                        $0, block.rows.lowerBound, block.rows.count,
                        x.element(image * plan.inputPixels * x.pitch + group * plan.groupChannels), patches)
                }
            }
            body(patches, plan.patch)
        }
    }
}
