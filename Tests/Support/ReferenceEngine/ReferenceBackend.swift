import Synchronization
import TensorEngine

/// What each operation of a backend is, in plain loops over Float64 numbers, which are rounded to the tensor's type
/// where a result is made. Nothing is fused and nothing is fast.
///
/// Axes are walked by `Shape.indices`, and an element is found by `Shape.place(of:)`.
open class ReferenceBackend: Backend, @unchecked Sendable {
    private let use = Mutex(MemoryUse(current: 0, peak: 0))

    public init() {}

    public var summary: String { "plain loops" }
    public var identity: String { "plain loops" }

    // MARK: Memory

    public var memory: MemoryUse { use.withLock(\.self) }
    public func resetPeakMemory() { use.withLock { $0.peak = $0.current } }

    fileprivate func count(_ bytes: Int) {
        use.withLock { use in
            use.current += bytes
            use.peak = max(use.peak, use.current)
        }
    }

    public func empty(_ shape: Shape, _ dtype: DType) -> Tensor { full(.nan, shape, dtype) }

    public func full(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor {
        tensor(Array(repeating: value, count: shape.count), shape, dtype)
    }

    public func upload(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ dtype: DType) -> Tensor {
        let values: [Double] =
            switch dtype {
            case .float32: bytes.bindMemory(to: Float.self).map { Double($0) }
            case .float64: bytes.bindMemory(to: Double.self).map(\.self)
            case .int32: bytes.bindMemory(to: Int32.self).map { Double($0) }
            }
        return tensor(values, shape, dtype)
    }

    public func download(_ x: Tensor, into bytes: UnsafeMutableRawBufferPointer) {
        switch x.dtype {
        case .float32:
            _ = bytes.bindMemory(to: Float.self).update(fromContentsOf: values(x).map { Float($0) })
        case .float64: _ = bytes.bindMemory(to: Double.self).update(fromContentsOf: values(x))
        case .int32: _ = bytes.bindMemory(to: Int32.self).update(fromContentsOf: values(x).map { Int32($0) })
        }
    }

    public func contiguous(_ x: Tensor) -> Tensor { tensor(values(x), x.shape, x.dtype) }
    public func cast(_ x: Tensor, to dtype: DType) -> Tensor { tensor(values(x), x.shape, dtype) }

    /// A tensor of values in row-major order, rounded to its type.
    func tensor(_ values: [Double], _ shape: Shape, _ dtype: DType) -> Tensor {
        Tensor(
            storage: ReferenceStorage(values.map { round($0, to: dtype) }, dtype, self), shape: shape,
            dtype: dtype)
    }

    /// Zeros to which `body` adds or writes.
    func tensor(_ shape: Shape, _ dtype: DType, _ body: (inout [Double]) throws -> Void) rethrows -> Tensor {
        var values = [Double](repeating: 0, count: shape.count)
        try body(&values)
        return tensor(values, shape, dtype)
    }

    /// A tensor's elements in row-major order: its rows lie a pitch apart.
    func values(_ x: Tensor) -> [Double] {
        let (elements, columns) = (storage(x).elements, x.shape.channels)
        return (0..<x.shape.rows).flatMap { row in
            (0..<columns).map { elements[x.offset + row * x.pitch + $0] }
        }
    }

    func round(_ value: Double, to dtype: DType) -> Double {
        switch dtype {
        case .float32: Double(Float(value))
        case .float64: value
        case .int32: value.isNaN ? 0 : value.rounded(.towardZero)
        }
    }

    private func storage(_ x: Tensor) -> ReferenceStorage {
        guard let storage = x.storage as? ReferenceStorage else {
            preconditionFailure("a tensor of \(x.backend.summary) among the operands of plain loops")
        }
        return storage
    }

    // MARK: Elementwise

    public func unary(_ operation: UnaryOperation, _ x: Tensor) -> Tensor {
        tensor(values(x).map(operation.function), x.shape, x.dtype)
    }

    public func binary(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor, _ shape: Shape) -> Tensor {
        let (left, right) = (values(a), values(b))
        return tensor(
            shape.indices.map {
                operation.function(left[a.shape.place(of: $0)], right[b.shape.place(of: $0)])
            },
            shape, a.dtype)
    }

    public func affine(_ x: Tensor, scale: Double, shift: Double) -> Tensor {
        let (scale, shift) = (round(scale, to: x.dtype), round(shift, to: x.dtype))
        return tensor(values(x).map { round($0 * scale, to: x.dtype) + shift }, x.shape, x.dtype)
    }

    public func broadcast(_ x: Tensor, to shape: Shape) -> Tensor {
        let values = values(x)
        return tensor(shape.indices.map { values[x.shape.place(of: $0)] }, shape, x.dtype)
    }

    public func add(_ x: Tensor, into sum: Tensor) {
        let storage = storage(sum)
        for (index, value) in values(x).enumerated() {
            let place = sum.offset + index
            storage.elements[place] = round(storage.elements[place] + value, to: sum.dtype)
        }
    }

    // MARK: Reduction and movement

    public func reduce(_ operation: ReduceOperation, _ x: Tensor, axes: [Int]) -> Tensor {
        let shape = Shape(x.shape.extents.enumerated().map { axes.contains($0.offset) ? 1 : $0.element })
        return tensor(shape, x.dtype) { result in
            if operation == .maximum { result = result.map { _ in -.infinity } }
            for (index, value) in zip(x.shape.indices, values(x)) {
                let place = shape.place(of: index)
                result[place] = operation == .sum ? result[place] + value : max(result[place], value)
            }
        }
    }

    public func transpose(_ x: Tensor, _ permutation: [Int]) -> Tensor {
        let shape = Shape(permutation.map { x.shape[$0] })
        return moved(x, to: shape) { index in permutation.map { index[$0] } }
    }

    public func concatenate(_ tensors: [Tensor], axis: Int) -> Tensor {
        var extents = tensors[0].shape.extents
        extents[axis] = tensors.reduce(0) { $0 + $1.shape[axis] }
        let shape = Shape(extents)
        return tensor(shape, tensors[0].dtype) { result in
            var start = 0
            for x in tensors {
                for (index, value) in zip(x.shape.indices, values(x)) {
                    result[shape.place(of: shifted(index, axis, by: start))] = value
                }
                start += x.shape[axis]
            }
        }
    }

    public func slice(_ x: Tensor, axis: Int, from start: Int, count: Int) -> Tensor {
        var extents = x.shape.extents
        extents[axis] = count
        let values = values(x)
        return tensor(
            Shape(extents).indices.map { values[x.shape.place(of: shifted($0, axis, by: start))] },
            Shape(extents),
            x.dtype)
    }

    public func pad(_ x: Tensor, axis: Int, before: Int, after: Int) -> Tensor {
        var extents = x.shape.extents
        extents[axis] += before + after
        return moved(x, to: Shape(extents)) { shifted($0, axis, by: before) }
    }

    /// Each element at the index that `target` has for its own, zeros elsewhere.
    private func moved(_ x: Tensor, to shape: Shape, _ target: ([Int]) -> [Int]) -> Tensor {
        tensor(shape, x.dtype) { result in
            for (index, value) in zip(x.shape.indices, values(x)) {
                result[shape.place(of: target(index))] = value
            }
        }
    }

    private func shifted(_ index: [Int], _ axis: Int, by count: Int) -> [Int] {
        var index = index
        index[axis] += count
        return index
    }

    public func gatherRows(_ table: Tensor, _ indices: Tensor) throws -> Tensor {
        let columns = table.shape[1]
        let values = values(table)
        return tensor(
            try places("rows", indices, below: table.shape[0]).flatMap { row in
                values[(row * columns)..<((row + 1) * columns)]
            }, [indices.count, columns], table.dtype)
    }

    public func scatterRows(_ x: Tensor, _ indices: Tensor, rows: Int) throws -> Tensor {
        let (columns, values) = (x.shape[1], values(x))
        let places = try places("scatterRows", indices, below: rows)
        return tensor([rows, columns], x.dtype) { result in
            for (row, target) in places.enumerated() {
                for column in 0..<columns {
                    result[target * columns + column] += values[row * columns + column]
                }
            }
        }
    }

    public func oneHot(_ labels: Tensor, classes: Int, _ dtype: DType) throws -> Tensor {
        let places = try places("oneHot", labels, below: classes)
        return tensor([labels.count, classes], dtype) { result in
            for (row, label) in places.enumerated() { result[row * classes + label] = 1 }
        }
    }

    private func places(_ operation: String, _ indices: Tensor, below bound: Int) throws -> [Int] {
        try values(indices).map { index in
            guard index >= 0, index < Double(bound) else {
                throw TensorError(operation, "index \(Int(index)), expected 0..<\(bound)")
            }
            return Int(index)
        }
    }

    /// Left to its composition, unless a subclass knows it.
    open func mixedSum(_ sum: MixedSum, keepingOutputs: Bool) throws -> (
        output: Tensor, record: MixedSumRecord
    )? {
        nil
    }

    // MARK: Random numbers

    public func uniform(
        _ shape: Shape, _ dtype: DType, in range: ClosedRange<Double>, from stream: RandomStream
    ) -> Tensor {
        let width = range.upperBound - range.lowerBound
        return tensor(
            (0..<UInt64(shape.count)).map { range.lowerBound + width * stream.uniform(at: $0) }, shape, dtype)
    }

    public func normal(_ shape: Shape, _ dtype: DType, from stream: RandomStream) -> Tensor {
        tensor((0..<UInt64(shape.count)).map(stream.normal), shape, dtype)
    }
}

/// The elements, whatever their type, as Float64 numbers.
private final class ReferenceStorage: Storage, @unchecked Sendable {
    fileprivate var elements: [Double]
    private let owner: ReferenceBackend

    init(_ elements: [Double], _ dtype: DType, _ backend: ReferenceBackend) {
        self.elements = elements
        owner = backend
        super.init(backend: backend, byteCount: elements.count * dtype.byteCount)
        backend.count(byteCount)
    }

    deinit { owner.count(-byteCount) }
}

extension Shape {
    /// All indices of elements, in row-major order.
    var indices: [[Int]] {
        extents.reduce([[]]) { indices, extent in
            indices.flatMap { index in (0..<extent).map { index + [$0] } }
        }
    }

    /// Where the element at an index is in row-major order. Of an index into what this shape broadcasts to, the
    /// element that is repeated there.
    func place(of index: [Int]) -> Int {
        zip(extents, index.suffix(rank)).reduce(0) { place, axis in
            let (extent, position) = axis
            return place * extent + (extent == 1 ? 0 : position)
        }
    }
}
