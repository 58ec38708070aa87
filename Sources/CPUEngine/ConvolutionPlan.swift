import CKernels
import TensorEngine

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

    /// Whether the kernels for long, narrow products are the faster ones: whole vectors of few outputs.
    var suitsProducts: Bool { geometry.groups == 1 && outputs % 16 == 0 && outputs <= 128 }
    /// Whether the gradient in the input is a convolution of the cotangent, by the kernels for narrow products.
    var suitsAdjoint: Bool {
        geometry.groups == 1 && geometry.stride == 1 && kernelHeight == kernelWidth && channels % 16 == 0
            && channels <= 128 && geometry.padding <= geometry.dilation * (kernelHeight - 1)
    }

    /// The blocks, those that share an image together.
    var blocksByImages: [ArraySlice<Block>] {
        blocks.chunked { $0.images == $1.images }
    }

    /// im2col's window, of one group.
    func window(inputPitch: Int) -> errata_window {
        window(groupChannels, border: 0, inputPitch: inputPitch, outputPitch: outputs)
    }

    /// The depthwise kernels' window, of an image that has its padding or a wider border.
    func paddedWindow(border: Int? = nil, inputPitch: Int, outputPitch: Int) -> errata_window {
        window(
            channels, border: border ?? geometry.padding, inputPitch: inputPitch, outputPitch: outputPitch)
    }

    private func window(_ channels: Int, border: Int, inputPitch: Int, outputPitch: Int) -> errata_window {
        errata_window(
            height: input[1] + 2 * border, width: input[2] + 2 * border, channels: channels,
            output_height: outputHeight, output_width: outputWidth, kernel_height: kernelHeight,
            kernel_width: kernelWidth, stride: geometry.stride, padding: geometry.padding - border,
            dilation: geometry.dilation, input_pitch: inputPitch, output_pitch: outputPitch)
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
