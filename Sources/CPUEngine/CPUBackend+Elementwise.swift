import CKernels
import TensorEngine

extension CPUBackend {
    public func unary(_ operation: UnaryOperation, _ x: Tensor) -> Tensor {
        let kernel = kernels(x.dtype).unary!
        return mapRows(x) { kernel(Int32(operation.rawValue), $0, $1, $2, $3, $4, $5) }
    }

    public func affine(_ x: Tensor, scale: Double, shift: Double) -> Tensor {
        let kernel = kernels(x.dtype).scalar_affine!
        return mapRows(x) { kernel(scale, shift, $0, $1, $2, $3, $4, $5) }
    }

    /// What a kernel of one operand makes of a tensor: it gets rows, columns, where x lies and its pitch, and the
    /// same of the result.
    private func mapRows(
        _ x: Tensor, _ kernel: (Int, Int, UnsafeRawPointer, Int, UnsafeMutableRawPointer, Int) -> Void
    ) -> Tensor {
        let result = empty(x.shape, x.dtype)
        let size = x.dtype.byteCount
        if x.isContiguous {
            parallel.ranges(x.count, of: Self.chunk) { range in
                let at = range.lowerBound * size
                kernel(1, range.count, x.pointer + at, 0, result.pointer + at, 0)
            }
        } else {
            let columns = x.shape.channels
            parallel.ranges(x.shape.rows, of: rowsPerChunk(columns)) { range in
                kernel(
                    range.count, columns, x.pointer + range.lowerBound * x.pitch * size, x.pitch,
                    result.pointer + range.lowerBound * columns * size, columns)
            }
        }
        return result
    }

    public func binary(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor, _ shape: Shape) -> Tensor {
        let result = empty(shape, a.dtype)
        let kernel = kernels(a.dtype).binary!
        let size = a.dtype.byteCount
        let code = Int32(operation.rawValue)
        if a.shape == b.shape, a.isContiguous, b.isContiguous {
            parallel.ranges(shape.count, of: Self.chunk) { range in
                let at = range.lowerBound * size
                kernel(
                    code, 1, range.count, a.pointer + at, 0, 1, b.pointer + at, 0, 1, result.pointer + at, 0)
            }
            return result
        }
        let loop = BroadcastLoop(shape, [a, b])
        loop.run(parallel, chunk: Self.chunk) { rows, columns, offsets, resultOffset in
            kernel(
                code, rows, columns, a.pointer + offsets[0] * size, loop.pitches[0], loop.steps[0],
                b.pointer + offsets[1] * size, loop.pitches[1], loop.steps[1],
                result.pointer + resultOffset * size, columns)
        }
        return result
    }

    public func add(_ x: Tensor, into sum: Tensor) {
        let kernel = kernels(x.dtype).binary!
        let (rows, columns, pitch) = x.matrix
        let size = x.dtype.byteCount
        if rows == 1 {
            parallel.ranges(columns, of: Self.chunk) { range in
                let target = sum.pointer + range.lowerBound * size
                kernel(
                    Int32(BinaryOperation.add.rawValue), 1, range.count, target, 0, 1,
                    x.pointer + range.lowerBound * size,
                    0, 1, target, 0)
            }
            return
        }
        parallel.ranges(rows, of: rowsPerChunk(columns)) { range in
            let target = sum.pointer + range.lowerBound * columns * size
            kernel(
                Int32(BinaryOperation.add.rawValue), range.count, columns, target, columns, 1,
                x.pointer + range.lowerBound * pitch * size, pitch, 1, target, columns)
        }
    }

    public func broadcast(_ x: Tensor, to shape: Shape) -> Tensor {
        binary(.add, x, full(0, .scalar, x.dtype), shape)
    }
}

/// How an elementwise operation with broadcasting walks its operands: outer axes in a loop, and the innermost
/// two of the collapsed axes in the kernel.
private struct BroadcastLoop {
    private var outerExtents: [Int]
    private var outerStrides: [[Int]]
    private let rows: Int
    private let columns: Int
    /// Of each operand: elements between rows, and between columns (0 or 1).
    let pitches: [Int]
    let steps: [Int]

    init(_ shape: Shape, _ operands: [Tensor]) {
        var extents: [Int] = []
        var strides = [[Int]](repeating: [], count: operands.count)
        let own = operands.map(Self.strides)
        for axis in 0..<shape.rank where shape.extents[axis] != 1 {
            extents.append(shape.extents[axis])
            for (index, operand) in operands.enumerated() {
                let at = axis - (shape.rank - operand.shape.rank)
                strides[index].append(at >= 0 && operand.shape.extents[at] != 1 ? own[index][at] : 0)
            }
        }
        var axis = extents.count - 1
        while axis > 0 {
            let extent = extents[axis]
            if strides.allSatisfy({ $0[axis - 1] == $0[axis] * extent }) {
                extents[axis - 1] *= extent
                extents.remove(at: axis)
                for index in strides.indices { strides[index].remove(at: axis - 1) }
            }
            axis -= 1
        }
        // A kernel's columns are 0 or 1 elements apart: rows of a single column otherwise.
        if let last = extents.indices.last, strides.contains(where: { $0[last] > 1 }) {
            extents.append(1)
            for index in strides.indices { strides[index].append(1) }
        }
        columns = extents.popLast() ?? 1
        steps = strides.indices.map { strides[$0].popLast() ?? 0 }
        rows = extents.popLast() ?? 1
        pitches = strides.indices.map { strides[$0].popLast() ?? 0 }
        outerExtents = extents
        outerStrides = strides
    }

    private static func strides(of tensor: Tensor) -> [Int] {
        var strides = [Int](repeating: 1, count: tensor.shape.rank)
        var next = tensor.isContiguous ? tensor.shape.channels : tensor.pitch
        for axis in stride(from: tensor.shape.rank - 2, through: 0, by: -1) {
            strides[axis] = next
            next *= tensor.shape.extents[axis]
        }
        return strides
    }

    /// Calls `body` with rows, columns, each operand's offset and the result's.
    func run(_ parallel: ParallelLoop, chunk: Int, _ body: (Int, Int, [Int], Int) -> Void) {
        let outer = outerExtents.reduce(1, *)
        let rowsEach = max(chunk / max(columns, 1), 1)
        let pieces = (rows + rowsEach - 1) / rowsEach
        let perCall = max(chunk / max(rows * columns, 1), 1)
        parallel.ranges(outer * pieces, of: pieces == 1 ? perCall : 1) { range in
            for piece in range {
                var index = piece / pieces
                let firstRow = piece % pieces * rowsEach
                var offsets = pitches.map { $0 * firstRow }
                let resultOffset = (index * rows + firstRow) * columns
                for axis in stride(from: outerExtents.count - 1, through: 0, by: -1) {
                    let at = index % outerExtents[axis]
                    index /= outerExtents[axis]
                    for operand in offsets.indices { offsets[operand] += at * outerStrides[operand][axis] }
                }
                body(min(rowsEach, rows - firstRow), columns, offsets, resultOffset)
            }
        }
    }
}
