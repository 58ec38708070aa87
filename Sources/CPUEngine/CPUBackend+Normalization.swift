import CKernels
import TensorEngine

extension CPUBackend {
    public func channelMoments(_ x: Tensor) -> (mean: Tensor, variance: Tensor) {
        let (rows, columns) = (x.shape.rows, x.shape.channels)
        let kernel = kernels(x.dtype).column_moments!
        let size = x.dtype.byteCount
        let each = rowsPerChunk(columns)
        let pieces = max((rows + each - 1) / each, 1)
        // A sum and a sum of squared deviations for each chunk.
        var partial = [Double](repeating: 0, count: pieces * columns * 2)
        partial.withUnsafeMutableBufferPointer { partial in
            nonisolated(unsafe) let base = partial.baseAddress!
            parallel.ranges(rows, of: each) { range in
                let sums = base + range.lowerBound / each * columns * 2
                kernel(
                    range.count, columns, x.pointer + range.lowerBound * x.pitch * size, x.pitch, sums,
                    sums + columns)
            }
        }
        return partial.withUnsafeBufferPointer { partial in
            mergedMoments(
                (0..<pieces).map { piece in
                    (min(each, rows - piece * each), partial.baseAddress! + piece * columns * 2)
                }, columns: columns, x.dtype)
        }
    }

    /// The mean and biased variance of what parts of it have as sums and sums of squared deviations (2·columns
    /// numbers each), merged in order (Chan et al., 1983).
    func mergedMoments(
        _ parts: [(rows: Int, sums: UnsafePointer<Double>)], columns: Int, _ dtype: DType
    ) -> (mean: Tensor, variance: Tensor) {
        var means = [Double](repeating: 0, count: columns)
        var squares = [Double](repeating: 0, count: columns)
        var seen = 0.0
        for (rows, sums) in parts where rows > 0 {
            let count = Double(rows)
            let (share, spread) = (count / (seen + count), seen * count / (seen + count))
            for column in 0..<columns {
                let delta = sums[column] / count - means[column]
                means[column] += delta * share
                squares[column] += sums[columns + column] + delta * delta * spread
            }
            seen += count
        }
        return (vector(means, dtype), vector(squares.lazy.map { $0 / seen }, dtype))
    }

    public func channelAffine(_ x: Tensor, mean: Tensor, scale: Tensor, shift: Tensor?, relu: Bool) -> Tensor
    {
        let result = empty(x.shape, x.dtype)
        let kernel = kernels(x.dtype).affine!
        let (columns, size) = (x.shape.channels, x.dtype.byteCount)
        parallel.ranges(x.shape.rows, of: rowsPerChunk(columns)) { range in
            kernel(
                range.count, columns, x.pointer + range.lowerBound * x.pitch * size, x.pitch, mean.pointer,
                scale.pointer, shift?.pointer, relu ? 1 : 0,
                result.pointer + range.lowerBound * columns * size,
                columns)
        }
        return result
    }

    public func channelAffineSum(_ tensors: [Tensor], scales: [Tensor], shift: Tensor?) -> Tensor {
        let result = empty(tensors[0].shape, tensors[0].dtype)
        let kernel = kernels(result.dtype).affine_sum!
        let (columns, size) = (result.shape.channels, result.dtype.byteCount)
        let pitches = tensors.map(\.pitch)
        let scales = scales.map { Optional(UnsafeRawPointer($0.pointer)) }
        parallel.ranges(result.shape.rows, of: rowsPerChunk(columns)) { range in
            let starts = tensors.map {
                Optional(UnsafeRawPointer($0.pointer + range.lowerBound * $0.pitch * size))
            }
            kernel(
                range.count, columns, starts.count, starts, pitches, scales, shift?.pointer,
                result.pointer + range.lowerBound * columns * size, columns)
        }
        return result
    }

    public func channelSums(_ cotangent: Tensor, _ x: Tensor, mean: Tensor)
        -> (sum: Tensor, product: Tensor)
    {
        let kernel = kernels(x.dtype).column_products!
        let (columns, size) = (x.shape.channels, x.dtype.byteCount)
        let totals = chunkedColumns(rows: x.shape.rows, columns: columns, results: 2) { range, sums in
            let first = range.lowerBound * size
            kernel(
                range.count, columns, cotangent.pointer + first * cotangent.pitch, cotangent.pitch,
                x.pointer + first * x.pitch, x.pitch, mean.pointer,
                sums, sums + columns)
        }
        return (vector(totals.prefix(columns), x.dtype), vector(totals.suffix(columns), x.dtype))
    }

    public func channelGradient(
        _ cotangent: Tensor, _ x: Tensor, mean: Tensor, a: Tensor, b: Tensor, c: Tensor
    ) -> Tensor {
        let result = empty(x.shape, x.dtype)
        let kernel = kernels(x.dtype).affine_gradient!
        let (columns, size) = (x.shape.channels, x.dtype.byteCount)
        parallel.ranges(x.shape.rows, of: rowsPerChunk(columns)) { range in
            let first = range.lowerBound * size
            kernel(
                range.count, columns, cotangent.pointer + first * cotangent.pitch, cotangent.pitch,
                x.pointer + first * x.pitch, x.pitch, mean.pointer, a.pointer, b.pointer, c.pointer,
                result.pointer + first * columns, columns)
        }
        return result
    }
}
