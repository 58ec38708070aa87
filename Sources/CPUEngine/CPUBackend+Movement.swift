import Foundation
import TensorEngine

extension CPUBackend {
    public func transpose(_ x: Tensor, _ permutation: [Int]) -> Tensor {
        let x = x.isContiguous ? x : contiguous(x)
        let extents = permutation.map { x.shape.extents[$0] }
        var strides = [Int](repeating: 1, count: x.shape.rank)
        for axis in stride(from: x.shape.rank - 2, through: 0, by: -1) {
            strides[axis] = strides[axis + 1] * x.shape.extents[axis + 1]
        }
        let moved = permutation.map { strides[$0] }
        let result = empty(Shape(extents), x.dtype)
        let (columns, step) = (extents.last ?? 1, moved.last ?? 1)
        let outer = extents.dropLast()
        func copy<Element>(_: Element.Type) {
            nonisolated(unsafe) let from = x.pointer.assumingMemoryBound(to: Element.self)
            nonisolated(unsafe) let to = result.pointer.assumingMemoryBound(to: Element.self)
            parallel.ranges(outer.reduce(1, *), of: rowsPerChunk(columns)) { range in
                for row in range {
                    var index = row
                    var offset = 0
                    for axis in outer.indices.reversed() {
                        offset += index % outer[axis] * moved[axis]
                        index /= outer[axis]
                    }
                    for column in 0..<columns { to[row * columns + column] = from[offset + column * step] }
                }
            }
        }
        if x.dtype == .float64 { copy(UInt64.self) } else { copy(UInt32.self) }
        return result
    }

    public func concatenate(_ tensors: [Tensor], axis: Int) -> Tensor {
        var extents = tensors[0].shape.extents
        extents[axis] = tensors.reduce(0) { $0 + $1.shape.extents[axis] }
        let result = empty(Shape(extents), tensors[0].dtype)
        let size = result.dtype.byteCount
        if axis == extents.count - 1, axis > 0 {
            var start = 0
            for tensor in tensors {
                copyRows(tensor, to: result.pointer + start * size, pitch: extents[axis])
                start += tensor.shape.channels
            }
            return result
        }
        let outer = extents[..<axis].reduce(1, *)
        let inner = extents[(axis + 1)...].reduce(1, *)
        var start = 0
        for tensor in tensors {
            let tensor = tensor.isContiguous ? tensor : contiguous(tensor)
            let run = tensor.shape.extents[axis] * inner
            for index in 0..<outer {
                memcpy(
                    result.pointer + (index * extents[axis] * inner + start) * size,
                    tensor.pointer + index * run * size, run * size)
            }
            start += run
        }
        return result
    }

    public func slice(_ x: Tensor, axis: Int, from start: Int, count: Int) -> Tensor {
        let x = x.isContiguous ? x : contiguous(x)
        var extents = x.shape.extents
        let inner = extents[(axis + 1)...].reduce(1, *)
        let outer = extents[..<axis].reduce(1, *)
        let stride = extents[axis] * inner
        extents[axis] = count
        let result = empty(Shape(extents), x.dtype)
        let size = x.dtype.byteCount
        for index in 0..<outer {
            memcpy(
                result.pointer + index * count * inner * size,
                x.pointer + (index * stride + start * inner) * size, count * inner * size)
        }
        return result
    }

    public func pad(_ x: Tensor, axis: Int, before: Int, after: Int) -> Tensor {
        var extents = x.shape.extents
        let extent = extents[axis]
        extents[axis] += before + after
        let result = full(0, Shape(extents), x.dtype)
        let size = x.dtype.byteCount
        if axis == extents.count - 1, axis > 0 {
            copyRows(x, to: result.pointer + before * size, pitch: extents[axis])
            return result
        }
        let x = x.isContiguous ? x : contiguous(x)
        let inner = extents[(axis + 1)...].reduce(1, *)
        for index in 0..<extents[..<axis].reduce(1, *) {
            memcpy(
                result.pointer + (index * extents[axis] + before) * inner * size,
                x.pointer + index * extent * inner * size, extent * inner * size)
        }
        return result
    }

    public func gatherRows(_ table: Tensor, _ indices: Tensor) throws -> Tensor {
        let result = empty([indices.count, table.shape.channels], table.dtype)
        let bytes = table.shape.channels * table.dtype.byteCount
        for (row, index) in try places("rows", indices, below: table.shape[0]).enumerated() {
            memcpy(
                result.pointer + row * bytes, table.pointer + index * table.pitch * table.dtype.byteCount,
                bytes)
        }
        return result
    }

    public func scatterRows(_ x: Tensor, _ indices: Tensor, rows: Int) throws -> Tensor {
        let columns = x.shape.channels
        let result = full(0, [rows, columns], x.dtype)
        let size = x.dtype.byteCount
        let kernel = kernels(x.dtype).binary!
        for (row, index) in try places("scatterRows", indices, below: rows).enumerated() {
            let target = result.pointer + index * columns * size
            kernel(
                Int32(BinaryOperation.add.rawValue), 1, columns, target, 0, 1,
                x.pointer + row * x.pitch * size,
                0, 1, target, 0)
        }
        return result
    }

    public func oneHot(_ labels: Tensor, classes: Int, _ dtype: DType) throws -> Tensor {
        let result = full(0, [labels.count, classes], dtype)
        for (row, label) in try places("oneHot", labels, below: classes).enumerated() {
            store([1], dtype, result.element(row * classes + label))
        }
        return result
    }

    /// Int32 indices [N] of rows or columns.
    ///
    /// - Throws: `TensorError` if one is not in 0..<bound.
    private func places(_ operation: String, _ indices: Tensor, below bound: Int) throws -> [Int] {
        let values = UnsafeBufferPointer(
            start: indices.pointer.assumingMemoryBound(to: Int32.self), count: indices.count)
        return try values.map {
            try require($0 >= 0 && $0 < bound, operation, "index \($0), expected 0..<\(bound)")
            return Int($0)
        }
    }
}
