import Synchronization
import TensorEngine

/// A backend, watched: it keeps a digest of everything that decides on which side of a kink a function is,
/// the signs that ReLUs and comparisons see and the positions of maxima.
public final class KinkBackend: Backend {
    private let inner: any Backend
    private let state = Mutex<Digest>(Digest())

    public init(_ inner: any Backend) { self.inner = inner }

    /// The decisions since the last call.
    public func takeDigest() -> Digest {
        state.withLock { state in
            defer { state = Digest() }
            return state
        }
    }

    public struct Digest: Equatable, Sendable {
        public private(set) var decisions = 0
        private var hash: UInt64 = 0xCBF2_9CE4_8422_2325

        mutating func add(_ values: [Int32]) {
            decisions += values.count
            for value in values {
                hash = (hash ^ UInt64(truncatingIfNeeded: value)) &* 0x100_0000_01B3
            }
        }
    }

    private func watch(positive x: Tensor) {
        guard let values = try? x.doubles() else { return }
        state.withLock { $0.add(values.map { $0 > 0 ? 1 : 0 }) }
    }

    // MARK: Wrapping

    private final class Wrapped: Storage, @unchecked Sendable {
        let inner: Storage

        init(_ inner: Storage, _ backend: KinkBackend) {
            self.inner = inner
            super.init(backend: backend, byteCount: inner.byteCount)
        }
    }

    private func bare(_ x: Tensor) -> Tensor {
        guard let wrapped = x.storage as? Wrapped else { return x }
        return Tensor(
            storage: wrapped.inner, shape: x.shape, dtype: x.dtype, offset: x.offset, pitch: x.pitch)
    }

    private func bare(_ x: Tensor?) -> Tensor? { x.map { bare($0) } }

    private func wrapped(_ x: Tensor) -> Tensor {
        Tensor(
            storage: Wrapped(x.storage, self), shape: x.shape, dtype: x.dtype, offset: x.offset,
            pitch: x.pitch)
    }

    private func wrapped(_ x: (Tensor, Tensor)) -> (Tensor, Tensor) { (wrapped(x.0), wrapped(x.1)) }

    private func wrapped(_ x: Tensor?) -> Tensor? { x.map { wrapped($0) } }

    /// Watches the signs that each stage's ReLU sees, and the positions of maxima.
    private func watch(_ sum: MixedSum, _ record: MixedSumRecord) throws {
        for (index, branch) in sum.branches.enumerated() {
            let source = sum.sources[branch.source]
            if case .maxPool(let window) = branch.transform {
                watch(try inner.maxPool(source, window).positions)
            }
            guard !branch.stages.isEmpty else { continue }
            watch(positive: source)
            for (stage, output) in record.outputs[index].dropLast().enumerated() {
                var norm = branch.normalizations[stage]
                norm?.moments = record.moments[index][stage]
                if let x = try? norm.map({ try output.normalized(by: $0).output }) ?? output {
                    watch(positive: x)
                }
            }
        }
    }

    private func watch(_ positions: Tensor) {
        if let values: [Int32] = try? positions.values() { state.withLock { $0.add(values) } }
    }

    // MARK: Watched

    public func unary(_ operation: UnaryOperation, _ x: Tensor) throws -> Tensor {
        if [.relu, .abs, .sign].contains(operation) { watch(positive: bare(x)) }
        return wrapped(try inner.unary(operation, bare(x)))
    }

    public func binary(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor, _ shape: Shape) throws
        -> Tensor
    {
        if [.maximum, .minimum, .greater].contains(operation) {
            watch(positive: try inner.binary(.subtract, bare(a), bare(b), shape))
        }
        return wrapped(try inner.binary(operation, bare(a), bare(b), shape))
    }

    public func maxPool(_ x: Tensor, _ window: PoolingWindow) throws -> (maxima: Tensor, positions: Tensor) {
        let (maxima, positions) = try inner.maxPool(bare(x), window)
        watch(positions)
        return (wrapped(maxima), wrapped(positions))
    }

    public func channelAffine(_ x: Tensor, mean: Tensor, scale: Tensor, shift: Tensor?, relu: Bool) throws
        -> Tensor
    {
        let result = try inner.channelAffine(
            bare(x), mean: bare(mean), scale: bare(scale), shift: bare(shift), relu: relu)
        if relu { watch(positive: result) }
        return wrapped(result)
    }

    public func mixedSum(_ sum: MixedSum, keepingOutputs: Bool) throws
        -> (output: Tensor, record: MixedSumRecord)?
    {
        let sum = sum.map(bare)
        guard let (output, record) = try inner.mixedSum(sum, keepingOutputs: true) else { return nil }
        try watch(sum, record)
        return (wrapped(output), record.map(wrapped))
    }

    // MARK: Handed on

    public var summary: String { inner.summary }
    public var identity: String { inner.identity }
    public var memory: MemoryUse { inner.memory }
    public func resetPeakMemory() { inner.resetPeakMemory() }
    public func empty(_ shape: Shape, _ dtype: DType) throws -> Tensor {
        wrapped(try inner.empty(shape, dtype))
    }
    public func full(_ value: Double, _ shape: Shape, _ dtype: DType) throws -> Tensor {
        wrapped(try inner.full(value, shape, dtype))
    }
    public func upload(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ dtype: DType) throws -> Tensor {
        wrapped(try inner.upload(bytes, shape, dtype))
    }
    public func download(_ x: Tensor, into bytes: UnsafeMutableRawBufferPointer) throws {
        try inner.download(bare(x), into: bytes)
    }
    public func contiguous(_ x: Tensor) throws -> Tensor { wrapped(try inner.contiguous(bare(x))) }
    public func cast(_ x: Tensor, to dtype: DType) throws -> Tensor {
        wrapped(try inner.cast(bare(x), to: dtype))
    }
    public func affine(_ x: Tensor, scale: Double, shift: Double) throws -> Tensor {
        wrapped(try inner.affine(bare(x), scale: scale, shift: shift))
    }
    public func oneHot(_ labels: Tensor, classes: Int, _ dtype: DType) throws -> Tensor {
        wrapped(try inner.oneHot(bare(labels), classes: classes, dtype))
    }
    public func broadcast(_ x: Tensor, to shape: Shape) throws -> Tensor {
        wrapped(try inner.broadcast(bare(x), to: shape))
    }
    public func add(_ x: Tensor, into sum: Tensor) throws { try inner.add(bare(x), into: bare(sum)) }
    public func reduce(_ operation: ReduceOperation, _ x: Tensor, axes: [Int]) throws -> Tensor {
        wrapped(try inner.reduce(operation, bare(x), axes: axes))
    }
    public func transpose(_ x: Tensor, _ permutation: [Int]) throws -> Tensor {
        wrapped(try inner.transpose(bare(x), permutation))
    }
    public func concatenate(_ tensors: [Tensor], axis: Int) throws -> Tensor {
        wrapped(try inner.concatenate(tensors.map { bare($0) }, axis: axis))
    }
    public func slice(_ x: Tensor, axis: Int, from start: Int, count: Int) throws -> Tensor {
        wrapped(try inner.slice(bare(x), axis: axis, from: start, count: count))
    }
    public func pad(_ x: Tensor, axis: Int, before: Int, after: Int) throws -> Tensor {
        wrapped(try inner.pad(bare(x), axis: axis, before: before, after: after))
    }
    public func gatherRows(_ table: Tensor, _ indices: Tensor) throws -> Tensor {
        wrapped(try inner.gatherRows(bare(table), bare(indices)))
    }
    public func scatterRows(_ x: Tensor, _ indices: Tensor, rows: Int) throws -> Tensor {
        wrapped(try inner.scatterRows(bare(x), bare(indices), rows: rows))
    }
    public func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) throws -> Tensor {
        wrapped(try inner.matmul(bare(a), bare(b), transposeA: transposeA, transposeB: transposeB))
    }
    public func convolution(_ x: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry) throws -> Tensor
    {
        wrapped(try inner.convolution(bare(x), bare(weights), geometry))
    }
    public func convolutionInputGradient(
        _ cotangent: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry, inputShape: Shape
    ) throws -> Tensor {
        wrapped(
            try inner.convolutionInputGradient(
                bare(cotangent), bare(weights), geometry, inputShape: inputShape))
    }
    public func convolutionWeightGradient(
        _ x: Tensor, _ cotangent: Tensor, _ geometry: ConvolutionGeometry, weightShape: Shape
    ) throws -> Tensor {
        wrapped(
            try inner.convolutionWeightGradient(
                bare(x), bare(cotangent), geometry, weightShape: weightShape))
    }
    public func gatherPositions(_ x: Tensor, _ positions: Tensor) throws -> Tensor {
        wrapped(try inner.gatherPositions(bare(x), bare(positions)))
    }
    public func scatterPositions(_ x: Tensor, _ positions: Tensor, inputShape: Shape) throws -> Tensor {
        wrapped(try inner.scatterPositions(bare(x), bare(positions), inputShape: inputShape))
    }
    public func averagePool(_ x: Tensor, _ window: PoolingWindow) throws -> Tensor {
        wrapped(try inner.averagePool(bare(x), window))
    }
    public func averagePoolGradient(_ cotangent: Tensor, _ window: PoolingWindow, inputShape: Shape) throws
        -> Tensor
    {
        wrapped(try inner.averagePoolGradient(bare(cotangent), window, inputShape: inputShape))
    }
    public func channelMoments(_ x: Tensor) throws -> (mean: Tensor, variance: Tensor) {
        wrapped(try inner.channelMoments(bare(x)))
    }
    public func channelAffineSum(_ tensors: [Tensor], scales: [Tensor], shift: Tensor?) throws -> Tensor {
        wrapped(
            try inner.channelAffineSum(
                tensors.map { bare($0) }, scales: scales.map { bare($0) }, shift: bare(shift)))
    }
    public func channelSums(_ cotangent: Tensor, _ x: Tensor, mean: Tensor) throws
        -> (sum: Tensor, product: Tensor)
    {
        wrapped(
            try inner.channelSums(bare(cotangent), bare(x), mean: bare(mean)))
    }
    public func channelGradient(
        _ cotangent: Tensor, _ x: Tensor, mean: Tensor, a: Tensor, b: Tensor, c: Tensor
    ) throws -> Tensor {
        wrapped(
            try inner.channelGradient(
                bare(cotangent), bare(x), mean: bare(mean), a: bare(a), b: bare(b), c: bare(c)))
    }
    public func uniform(
        _ shape: Shape, _ dtype: DType, in range: ClosedRange<Double>, from stream: RandomStream
    ) throws
        -> Tensor
    {
        wrapped(try inner.uniform(shape, dtype, in: range, from: stream))
    }
    public func normal(_ shape: Shape, _ dtype: DType, from stream: RandomStream) throws -> Tensor {
        wrapped(try inner.normal(shape, dtype, from: stream))
    }
    public func mixedSumGradient(
        _ sum: MixedSum, record: MixedSumRecord, cotangent: Tensor, wants: MixedLeaves<Bool>,
        carried: [CarriedCotangent?]
    ) throws -> MixedLeaves<Tensor?>? {
        try inner.mixedSumGradient(
            sum.map(bare), record: record.map(bare), cotangent: bare(cotangent), wants: wants,
            carried: carried.map { $0.map { (bare($0.sum), $0.isOwn) } }
        )?.map { $0.map(wrapped) }
    }
}
