import CKernels
import Foundation
import TensorEngine

extension CPUBackend {
    public func maxPool(_ x: Tensor, _ window: PoolingWindow) -> (maxima: Tensor, positions: Tensor) {
        let shape = window.outputShape(x.shape)
        let (maxima, positions) = (empty(shape, x.dtype), empty(shape, .int32))
        let geometry = errata_window(pooling: window, x.shape, inputPitch: x.pitch)
        let kernel = kernels(x.dtype).max_pool!
        eachImage(x.shape[0]) { image in
            withUnsafePointer(to: geometry) {
                kernel(
                    $0, x.image(image), maxima.image(image),
                    positions.image(image).assumingMemoryBound(to: Int32.self))
            }
        }
        return (maxima, positions)
    }

    public func gatherPositions(_ x: Tensor, _ positions: Tensor) -> Tensor {
        let result = empty(positions.shape, x.dtype)
        let kernel = kernels(x.dtype).gather_positions!
        let pixels = positions.shape[1] * positions.shape[2]
        eachImage(x.shape[0]) { image in
            kernel(
                pixels, x.shape.channels, x.image(image), x.pitch,
                positions.image(image).assumingMemoryBound(to: Int32.self), result.image(image))
        }
        return result
    }

    public func scatterPositions(_ x: Tensor, _ positions: Tensor, inputShape: Shape) -> Tensor {
        let result = empty(inputShape, x.dtype)
        let bytes = inputShape.count / max(inputShape[0], 1) * x.dtype.byteCount
        let kernel = kernels(x.dtype).scatter_positions!
        let pixels = positions.shape[1] * positions.shape[2]
        eachImage(x.shape[0]) { image in
            memset(result.image(image), 0, bytes)
            kernel(
                pixels, x.shape.channels, x.image(image), x.pitch,
                positions.image(image).assumingMemoryBound(to: Int32.self), result.image(image))
        }
        return result
    }

    public func averagePool(_ x: Tensor, _ window: PoolingWindow) -> Tensor {
        let result = empty(window.outputShape(x.shape), x.dtype)
        let geometry = errata_window(pooling: window, x.shape, inputPitch: x.pitch)
        let kernel = kernels(x.dtype).average_pool!
        eachImage(x.shape[0]) { image in
            withUnsafePointer(to: geometry) { kernel($0, x.image(image), result.image(image)) }
        }
        return result
    }

    public func averagePoolGradient(_ cotangent: Tensor, _ window: PoolingWindow, inputShape: Shape) -> Tensor
    {
        let result = empty(inputShape, cotangent.dtype)
        let bytes = inputShape.count / max(inputShape[0], 1) * cotangent.dtype.byteCount
        let geometry = errata_window(
            pooling: window, inputShape, inputPitch: inputShape.channels, outputPitch: cotangent.pitch)
        let kernel = kernels(cotangent.dtype).average_pool_gradient!
        eachImage(inputShape[0]) { image in
            memset(result.image(image), 0, bytes)
            withUnsafePointer(to: geometry) { kernel($0, cotangent.image(image), result.image(image)) }
        }
        return result
    }

    /// The images of a batch, in parallel.
    func eachImage(_ count: Int, _ body: (Int) -> Void) { parallel(count, body) }
}

extension Tensor {
    /// The first element of an image of an NHWC batch.
    func image(_ index: Int) -> UnsafeMutableRawPointer {
        pointer + index * shape[1] * shape[2] * pitch * dtype.byteCount
    }
}

extension errata_window {
    init(pooling window: PoolingWindow, _ input: Shape, inputPitch: Int, outputPitch: Int? = nil) {
        self.init(
            height: input[1], width: input[2], channels: input[3],
            output_height: window.outputExtent(input[1]),
            output_width: window.outputExtent(input[2]), kernel_height: window.size,
            kernel_width: window.size,
            stride: window.stride, padding: window.padding, dilation: 1, input_pitch: inputPitch,
            output_pitch: outputPitch ?? input[3])
    }
}
