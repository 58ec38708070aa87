import CKernels
import TensorEngine

extension CPUBackend {
    /// Elements a chunk; whole blocks of a stream.
    private static let draws = chunk / 8

    public func uniform(
        _ shape: Shape, _ dtype: DType, in range: ClosedRange<Double>, from stream: RandomStream
    ) -> Tensor {
        let result = empty(shape, dtype)
        let kernel = kernels(dtype).uniform!
        let width = range.upperBound - range.lowerBound
        let source = errata_stream(key: (stream.key.x, stream.key.y), id: stream.id)
        parallel.ranges(shape.count, of: Self.draws) { chunk in
            kernel(
                source, UInt64(chunk.lowerBound), chunk.count, range.lowerBound, width,
                result.element(chunk.lowerBound))
        }
        return result
    }

    public func normal(_ shape: Shape, _ dtype: DType, from stream: RandomStream) -> Tensor {
        let result = empty(shape, dtype)
        parallel.ranges(shape.count, of: Self.draws) { chunk in
            store(chunk.map { stream.normal(at: UInt64($0)) }, dtype, result.element(chunk.lowerBound))
        }
        return result
    }
}
