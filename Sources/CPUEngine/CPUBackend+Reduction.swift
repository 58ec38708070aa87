import CKernels
import Foundation
import TensorEngine

extension CPUBackend {
    public func reduce(_ operation: ReduceOperation, _ x: Tensor, axes: [Int]) -> Tensor {
        var current = x
        var extents = x.shape.extents
        // Each run of neighbouring axes in turn: [outer, reduced, inner].
        for run in Self.runs(axes).reversed() {
            let outer = extents[..<run.lowerBound].reduce(1, *)
            let reduced = extents[run].reduce(1, *)
            let inner = extents[run.upperBound...].reduce(1, *)
            for axis in run { extents[axis] = 1 }
            current = reduceMiddle(
                operation, current, outer: outer, reduced: reduced, inner: inner, shape: Shape(extents))
        }
        return current
    }

    public func innerProducts(_ a: [Tensor], _ b: [Tensor]) -> (each: Tensor, total: Tensor) {
        let (a, b) = (a.map(dense), b.map(dense))
        let dtype = a[0].dtype
        let kernels = kernels(dtype)
        let pieces = a.indices.flatMap { pair in
            stride(from: 0, to: a[pair].count, by: Self.chunk).map { (pair: pair, start: $0) }
        }
        var sums = [Double](repeating: 0, count: pieces.count)
        sums.withUnsafeMutableBufferPointer { sums in
            nonisolated(unsafe) let sums = sums
            // Most pairs are small: a few pieces make a chunk of work.
            parallel.ranges(pieces.count, of: 8) { range in
                withScratch(Self.chunk, dtype) { products in
                    for (index, (pair, start)) in zip(range, pieces[range]) {
                        let count = min(Self.chunk, a[pair].count - start)
                        kernels.binary(
                            Int32(BinaryOperation.multiply.rawValue), 1, count, a[pair].element(start), 0, 1,
                            b[pair].element(start), 0, 1, products, 0)
                        sums[index] = kernels.row_sum(count, products)
                    }
                }
            }
        }
        var each = [Double](repeating: 0, count: a.count)
        for ((pair, _), sum) in zip(pieces, sums) { each[pair] += sum }
        func sum<T: BinaryFloatingPoint>(as _: T.Type) -> Double {
            Double(each.dropFirst().reduce(T(each[0])) { $0 + T($1) })
        }
        let total = vector([dtype == .float32 ? sum(as: Float.self) : sum(as: Double.self)], dtype)
        return (vector(each, dtype), Tensor(storage: total.storage, shape: .scalar, dtype: dtype))
    }

    private static func runs(_ axes: [Int]) -> [Range<Int>] {
        var runs: [Range<Int>] = []
        for axis in axes {
            if let last = runs.last, last.upperBound == axis {
                runs[runs.count - 1] = last.lowerBound..<(axis + 1)
            } else {
                runs.append(axis..<(axis + 1))
            }
        }
        return runs
    }

    private func reduceMiddle(
        _ operation: ReduceOperation, _ x: Tensor, outer: Int, reduced: Int, inner: Int, shape: Shape
    ) -> Tensor {
        // Sums of columns read views in place: the reduced rows are a pitch apart.
        let inPlace = x.isContiguous || (outer == 1 && inner > 1 && inner == x.shape.channels)
        let x = inPlace ? x : contiguous(x)
        let pitch = x.isContiguous ? inner : x.pitch
        let result = empty(shape, x.dtype)
        let size = x.dtype.byteCount
        let kernels = kernels(x.dtype)
        if inner == 1 {
            reduceRows(operation, x, rows: outer, count: reduced, into: result)
        } else if outer == 1 {
            reduceColumns(
                operation, x.pointer, rows: reduced, columns: inner, pitch: pitch, x.dtype, into: result)
        } else {
            parallel.ranges(outer, of: max(Self.chunk / max(reduced * inner, 1), 1)) { range in
                var sums = [Double](repeating: 0, count: inner)
                for index in range {
                    let from = x.pointer + index * reduced * inner * size
                    let to = result.pointer + index * inner * size
                    if operation == .sum {
                        for column in sums.indices { sums[column] = 0 }
                        kernels.column_sums(reduced, inner, from, inner, &sums)
                        store(sums, x.dtype, to)
                    } else {
                        memcpy(to, from, inner * size)
                        kernels.column_maxima(reduced, inner, from, inner, to)
                    }
                }
            }
        }
        return result
    }

    private func reduceRows(
        _ operation: ReduceOperation, _ x: Tensor, rows: Int, count: Int, into result: Tensor
    ) {
        let size = x.dtype.byteCount
        let kernel = operation == .sum ? kernels(x.dtype).row_sum! : kernels(x.dtype).row_maximum!
        if rows == 1, count > Self.chunk {
            let pieces = (count + Self.chunk - 1) / Self.chunk
            var partial = [Double](repeating: 0, count: pieces)
            partial.withUnsafeMutableBufferPointer { partial in
                nonisolated(unsafe) let partial = partial
                parallel(pieces) { piece in
                    let start = piece * Self.chunk
                    partial[piece] = kernel(min(Self.chunk, count - start), x.pointer + start * size)
                }
            }
            store([operation == .sum ? partial.reduce(0, +) : partial.max()!], x.dtype, result.pointer)
            return
        }
        parallel.ranges(rows, of: max(Self.chunk / max(count, 1), 1)) { range in
            store(
                range.map { kernel(count, x.pointer + $0 * count * size) }, x.dtype,
                result.pointer + range.lowerBound * size)
        }
    }

    /// Columns that a chunk of long rows has at least.
    private static let fewest = 1024

    private func reduceColumns(
        _ operation: ReduceOperation, _ x: UnsafeRawPointer, rows: Int, columns: Int, pitch: Int,
        _ dtype: DType,
        into result: Tensor
    ) {
        let kernels = kernels(dtype)
        let size = dtype.byteCount
        if operation == .maximum {
            memcpy(result.pointer, x, columns * size)
            kernels.column_maxima(rows, columns, x, pitch, result.pointer)
            return
        }
        if rows < columns {
            // Long and few rows: a chunk is some columns of all of them.
            parallel.ranges(columns, of: max(rowsPerChunk(rows), Self.fewest)) { range in
                var sums = [Double](repeating: 0, count: range.count)
                kernels.column_sums(rows, range.count, x + range.lowerBound * size, pitch, &sums)
                store(sums, dtype, result.element(range.lowerBound))
            }
            return
        }
        let sums = chunkedColumns(rows: rows, columns: columns, results: 1) { range, sums in
            kernels.column_sums(
                range.count, columns, x + range.lowerBound * pitch * size, pitch, sums)
        }
        store(sums, dtype, result.pointer)
    }

    /// Sums over rows of `results` values a column, in Float64: a partial sum for each chunk of rows, added up
    /// in their order. `body` adds to zeros.
    func chunkedColumns(
        rows: Int, columns: Int, results: Int,
        _ body: (Range<Int>, UnsafeMutablePointer<Double>) -> Void
    ) -> [Double] {
        let each = rowsPerChunk(columns)
        let pieces = max((rows + each - 1) / each, 1)
        let width = columns * results
        var partial = [Double](repeating: 0, count: pieces * width)
        partial.withUnsafeMutableBufferPointer { partial in
            nonisolated(unsafe) let base = partial.baseAddress!
            parallel.ranges(rows, of: each) { body($0, base + $0.lowerBound / each * width) }
        }
        var total = Array(partial.prefix(width))
        for piece in 1..<max(pieces, 1) where pieces > 1 {
            for index in 0..<width { total[index] += partial[piece * width + index] }
        }
        return total
    }

    /// Float64 values as a tensor of a type.
    func vector(_ values: some Collection<Double>, _ dtype: DType) -> Tensor {
        let result = empty([values.count], dtype)
        store(values, dtype, result.pointer)
        return result
    }

    /// Writes Float64 values in a tensor's type.
    func store(_ values: some Collection<Double>, _ dtype: DType, _ destination: UnsafeMutableRawPointer) {
        if dtype == .float32 {
            let to = destination.assumingMemoryBound(to: Float.self)
            for (index, value) in values.enumerated() { to[index] = Float(value) }
        } else {
            let to = destination.assumingMemoryBound(to: Double.self)
            for (index, value) in values.enumerated() { to[index] = value }
        }
    }
}
