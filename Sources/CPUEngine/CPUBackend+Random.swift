import TensorEngine

extension CPUBackend {
    public func uniform(
        _ shape: Shape, _ dtype: DType, in range: ClosedRange<Double>, from stream: RandomStream
    ) -> Tensor {
        let width = range.upperBound - range.lowerBound
        return generate(shape, dtype) { range.lowerBound + width * stream.uniform(at: $0) }
    }

    public func normal(_ shape: Shape, _ dtype: DType, from stream: RandomStream) -> Tensor {
        generate(shape, dtype) { stream.normal(at: $0) }
    }

    private func generate(_ shape: Shape, _ dtype: DType, _ element: (UInt64) -> Double) -> Tensor {
        let result = empty(shape, dtype)
        parallel.ranges(shape.count, of: Self.chunk / 8) { range in
            store(
                range.map { element(UInt64($0)) }, dtype,
                result.pointer + range.lowerBound * dtype.byteCount)
        }
        return result
    }
}
