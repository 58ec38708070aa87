import CKernels
import Foundation
import TensorEngine

/// Convolutions: 1×1 ones are matrix products of the pixels themselves, depthwise ones have kernels of their
/// own, all others are matrix products of the patches that im2col copies out, a few rows or images at a time.
extension CPUBackend {
    public func convolution(_ x: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry) -> Tensor {
        let plan = ConvolutionPlan(input: x.shape, weights: weights.shape, geometry)
        let weights = dense(weights)
        let result = empty(plan.outputShape, x.dtype)
        if plan.isDepthwise {
            let window = plan.paddedWindow(
                inputPitch: plan.geometry.padding == 0 ? x.pitch : plan.channels, outputPitch: plan.channels)
            parallel(plan.batch) { image in
                withPadded(x, image, plan.geometry.padding) { padded in
                    withUnsafePointer(to: window) {
                        kernels(x.dtype).depthwise($0, padded, weights.pointer, result.image(image))
                    }
                }
            }
            return result
        }
        parallel(plan.blocks.count) { index in
            let block = plan.blocks[index]
            for group in 0..<plan.geometry.groups {
                withPatches(of: x, plan, block, group) { patches, pitch in
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
        if plan.isDepthwise {
            let window = plan.paddedWindow(
                inputPitch: plan.geometry.padding == 0 ? x.pitch : plan.channels, outputPitch: cotangent.pitch
            )
            return orderedSum(weightShape, x.dtype, over: plan.batch) { images, gradient in
                for image in images {
                    withPadded(x, image, plan.geometry.padding) { padded in
                        withUnsafePointer(to: window) {
                            kernels(x.dtype).depthwise_weights($0, padded, cotangent.image(image), gradient)
                        }
                    }
                }
            }
        }
        return orderedSum(weightShape, x.dtype, over: plan.blocks.count) { blocks, gradient in
            for block in plan.blocks[blocks] {
                for group in 0..<plan.geometry.groups {
                    withPatches(of: x, plan, block, group) { patches, pitch in
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

    private func depthwiseInputGradient(_ cotangent: Tensor, _ weights: Tensor, _ plan: ConvolutionPlan)
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

    // MARK: -

    /// The tensor itself, or a contiguous copy of a view.
    func dense(_ x: Tensor) -> Tensor { x.isContiguous ? x : contiguous(x) }

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

    /// Σ over 0..<count of what `body` adds to zeros, in a fixed number of runs, added up in their order.
    func orderedSum(
        _ shape: Shape, _ dtype: DType, over count: Int,
        _ body: (Range<Int>, UnsafeMutableRawPointer) -> Void
    ) -> Tensor {
        // As many partial sums as the threads of a large machine, unless they would take 64 MB.
        let most = min(Runs.usual, max((64 << 20) / max(shape.count * dtype.byteCount, 1), 2))
        let runs = Runs(of: count, most: most)
        let partial = full(0, [runs.count, shape.count], dtype)
        parallel(runs.count) { body(runs[$0], partial.element($0 * shape.count)) }
        let sum = runs.count == 1 ? partial : reduce(.sum, partial, axes: [0])
        return Tensor(storage: sum.storage, shape: shape, dtype: dtype)
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
                input_pitch: channels, output_pitch: channels, mask: mask?.0, mask_line: mask?.line ?? 0,
                accumulates: accumulates ? 1 : 0, output_line: 0)
            withUnsafePointer(to: window) { kernels.depthwise($0, cotangent, weights, target) }
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

/// The sizes of a convolution, and the blocks of output pixels it is computed in.
struct ConvolutionPlan {
    let geometry: ConvolutionGeometry
    let input: Shape
    let kernelHeight, kernelWidth, outputs, outputHeight, outputWidth: Int
    /// The blocks: several whole images, or some rows of one.
    let blocks: [Block]

    /// Elements of im2col's matrix that one block has at most (a row of pixels at least).
    private static let blockElements = 65_536

    struct Block {
        let images: Range<Int>
        let rows: Range<Int>
        /// The first output pixel, and how many there are.
        let firstPixel, pixels: Int

        /// Calls `body` with each image and its part of the block's patches.
        func eachImage(
            _ plan: ConvolutionPlan, _ patches: UnsafeMutableRawPointer, _ dtype: DType,
            _ body: (Int, UnsafeMutableRawPointer) -> Void
        ) {
            let each = rows.count * plan.outputWidth * plan.patch * dtype.byteCount
            for image in images { body(image, patches + (image - images.lowerBound) * each) }
        }
    }

    init(input: Shape, weights: Shape, _ geometry: ConvolutionGeometry) {
        self.geometry = geometry
        self.input = input
        (kernelHeight, kernelWidth, outputs) = (weights[0], weights[1], weights[3])
        outputHeight = geometry.outputExtent(input[1], kernel: kernelHeight)
        outputWidth = geometry.outputExtent(input[2], kernel: kernelWidth)
        let perRow = max(outputWidth * kernelHeight * kernelWidth * weights[2], 1)
        let images = max(Self.blockElements / (perRow * max(outputHeight, 1)), 1)
        let rows = images > 1 ? outputHeight : min(max(Self.blockElements / perRow, 1), outputHeight)
        var blocks: [Block] = []
        for first in stride(from: 0, to: input[0], by: images) {
            for row in stride(from: 0, to: outputHeight, by: max(rows, 1)) {
                let block = (first..<min(first + images, input[0]), row..<min(row + rows, outputHeight))
                blocks.append(
                    Block(
                        images: block.0, rows: block.1,
                        firstPixel: (first * outputHeight + row) * outputWidth,
                        pixels: block.0.count * block.1.count * outputWidth))
            }
        }
        self.blocks = blocks
    }

    var batch: Int { input[0] }
    var channels: Int { input[3] }
    var inputPixels: Int { input[1] * input[2] }
    var groupChannels: Int { channels / geometry.groups }
    var groupOutputs: Int { outputs / geometry.groups }
    /// The elements of one patch of one group.
    var patch: Int { kernelHeight * kernelWidth * groupChannels }
    var outputShape: Shape { [batch, outputHeight, outputWidth, outputs] }

    var isDepthwise: Bool { geometry.groups == channels && outputs == channels && channels > 1 }
    /// Whether an output pixel depends on the input pixel at its place alone.
    var isPointwise: Bool {
        kernelHeight == 1 && kernelWidth == 1 && geometry.stride == 1 && geometry.padding == 0
            && geometry.groups == 1
    }

    /// The blocks, those that share an image together.
    var blocksByImages: [ArraySlice<Block>] {
        blocks.chunked { $0.images == $1.images }
    }

    /// im2col's window, of one group.
    func window(inputPitch: Int) -> errata_window {
        errata_window(
            height: input[1], width: input[2], channels: groupChannels, output_height: outputHeight,
            output_width: outputWidth, kernel_height: kernelHeight, kernel_width: kernelWidth,
            stride: geometry.stride, padding: geometry.padding, dilation: geometry.dilation,
            input_pitch: inputPitch, output_pitch: outputs, mask: nil, mask_line: 0,
            accumulates: 0, output_line: 0)
    }

    /// The depthwise kernels' window, of an image that has its padding.
    func paddedWindow(inputPitch: Int, outputPitch: Int) -> errata_window {
        errata_window(
            height: input[1] + 2 * geometry.padding, width: input[2] + 2 * geometry.padding,
            channels: channels,
            output_height: outputHeight, output_width: outputWidth, kernel_height: kernelHeight,
            kernel_width: kernelWidth, stride: geometry.stride, padding: 0, dilation: geometry.dilation,
            input_pitch: inputPitch, output_pitch: outputPitch, mask: nil, mask_line: 0,
            accumulates: 0, output_line: 0)
    }
}

extension Array {
    /// The runs of neighbours that belong together.
    fileprivate func chunked(by belongs: (Element, Element) -> Bool) -> [ArraySlice<Element>] {
        var result: [ArraySlice<Element>] = []
        var start = startIndex
        for index in indices.dropFirst() where !belongs(self[index - 1], self[index]) {
            result.append(self[start..<index])
            start = index
        }
        if start < endIndex { result.append(self[start...]) }
        return result
    }
}
