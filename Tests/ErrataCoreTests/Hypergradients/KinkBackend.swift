import CPUEngine
import Synchronization
import TensorEngine

/// The CPU backend, watched: it keeps a digest of everything that decides on which side of a kink a function is,
/// the signs that ReLUs and comparisons see and the positions of maxima.
final class KinkBackend: Backend {
    private let inner: CPUBackend
    private let state = Mutex<Digest>(Digest())

    init(_ inner: CPUBackend) { self.inner = inner }

    /// The decisions since the last call.
    func takeDigest() -> Digest {
        state.withLock { state in
            defer { state = Digest() }
            return state
        }
    }

    struct Digest: Equatable {
        private(set) var decisions = 0
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
    private func watch(_ sum: MixedSum, _ record: MixedSumRecord) {
        for (index, branch) in sum.branches.enumerated() {
            let source = sum.sources[branch.source]
            if case .maxPool(let window) = branch.transform { watch(inner.maxPool(source, window).positions) }
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

    func unary(_ operation: UnaryOperation, _ x: Tensor) -> Tensor {
        if [.relu, .abs, .sign].contains(operation) { watch(positive: bare(x)) }
        return wrapped(inner.unary(operation, bare(x)))
    }

    func binary(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor, _ shape: Shape) -> Tensor {
        if [.maximum, .minimum, .greater].contains(operation) {
            watch(positive: inner.binary(.subtract, bare(a), bare(b), shape))
        }
        return wrapped(inner.binary(operation, bare(a), bare(b), shape))
    }

    func maxPool(_ x: Tensor, _ window: PoolingWindow) -> (maxima: Tensor, positions: Tensor) {
        let (maxima, positions) = inner.maxPool(bare(x), window)
        watch(positions)
        return (wrapped(maxima), wrapped(positions))
    }

    func channelAffine(_ x: Tensor, mean: Tensor, scale: Tensor, shift: Tensor?, relu: Bool) -> Tensor {
        let result = inner.channelAffine(
            bare(x), mean: bare(mean), scale: bare(scale), shift: bare(shift), relu: relu)
        if relu { watch(positive: result) }
        return wrapped(result)
    }

    func mixedSum(_ sum: MixedSum, keepingOutputs: Bool) -> (output: Tensor, record: MixedSumRecord)? {
        let sum = sum.map(bare)
        guard let (output, record) = inner.mixedSum(sum, keepingOutputs: true) else { return nil }
        watch(sum, record)
        return (wrapped(output), record.map(wrapped))
    }

    // MARK: Handed on

    var summary: String { inner.summary }
    var identity: String { inner.identity }
    var memory: MemoryUse { inner.memory }
    func resetPeakMemory() { inner.resetPeakMemory() }
    func empty(_ shape: Shape, _ dtype: DType) -> Tensor { wrapped(inner.empty(shape, dtype)) }
    func full(_ value: Double, _ shape: Shape, _ dtype: DType) -> Tensor {
        wrapped(inner.full(value, shape, dtype))
    }
    func upload(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ dtype: DType) -> Tensor {
        wrapped(inner.upload(bytes, shape, dtype))
    }
    func download(_ x: Tensor, into bytes: UnsafeMutableRawBufferPointer) {
        inner.download(bare(x), into: bytes)
    }
    func contiguous(_ x: Tensor) -> Tensor { wrapped(inner.contiguous(bare(x))) }
    func cast(_ x: Tensor, to dtype: DType) -> Tensor { wrapped(inner.cast(bare(x), to: dtype)) }
    func affine(_ x: Tensor, scale: Double, shift: Double) -> Tensor {
        wrapped(inner.affine(bare(x), scale: scale, shift: shift))
    }
    func oneHot(_ labels: Tensor, classes: Int, _ dtype: DType) throws -> Tensor {
        wrapped(try inner.oneHot(bare(labels), classes: classes, dtype))
    }
    func broadcast(_ x: Tensor, to shape: Shape) -> Tensor { wrapped(inner.broadcast(bare(x), to: shape)) }
    func add(_ x: Tensor, into sum: Tensor) { inner.add(bare(x), into: bare(sum)) }
    func reduce(_ operation: ReduceOperation, _ x: Tensor, axes: [Int]) -> Tensor {
        wrapped(inner.reduce(operation, bare(x), axes: axes))
    }
    func transpose(_ x: Tensor, _ permutation: [Int]) -> Tensor {
        wrapped(inner.transpose(bare(x), permutation))
    }
    func concatenate(_ tensors: [Tensor], axis: Int) -> Tensor {
        wrapped(inner.concatenate(tensors.map { bare($0) }, axis: axis))
    }
    func slice(_ x: Tensor, axis: Int, from start: Int, count: Int) -> Tensor {
        wrapped(inner.slice(bare(x), axis: axis, from: start, count: count))
    }
    func pad(_ x: Tensor, axis: Int, before: Int, after: Int) -> Tensor {
        wrapped(inner.pad(bare(x), axis: axis, before: before, after: after))
    }
    func gatherRows(_ table: Tensor, _ indices: Tensor) throws -> Tensor {
        wrapped(try inner.gatherRows(bare(table), bare(indices)))
    }
    func scatterRows(_ x: Tensor, _ indices: Tensor, rows: Int) throws -> Tensor {
        wrapped(try inner.scatterRows(bare(x), bare(indices), rows: rows))
    }
    func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) -> Tensor {
        wrapped(inner.matmul(bare(a), bare(b), transposeA: transposeA, transposeB: transposeB))
    }
    func convolution(_ x: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry) -> Tensor {
        wrapped(inner.convolution(bare(x), bare(weights), geometry))
    }
    func convolutionInputGradient(
        _ cotangent: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry, inputShape: Shape
    ) -> Tensor {
        wrapped(
            inner.convolutionInputGradient(
                bare(cotangent), bare(weights), geometry, inputShape: inputShape))
    }
    func convolutionWeightGradient(
        _ x: Tensor, _ cotangent: Tensor, _ geometry: ConvolutionGeometry, weightShape: Shape
    ) -> Tensor {
        wrapped(
            inner.convolutionWeightGradient(
                bare(x), bare(cotangent), geometry, weightShape: weightShape))
    }
    func gatherPositions(_ x: Tensor, _ positions: Tensor) -> Tensor {
        wrapped(inner.gatherPositions(bare(x), bare(positions)))
    }
    func scatterPositions(_ x: Tensor, _ positions: Tensor, inputShape: Shape) -> Tensor {
        wrapped(inner.scatterPositions(bare(x), bare(positions), inputShape: inputShape))
    }
    func averagePool(_ x: Tensor, _ window: PoolingWindow) -> Tensor {
        wrapped(inner.averagePool(bare(x), window))
    }
    func averagePoolGradient(_ cotangent: Tensor, _ window: PoolingWindow, inputShape: Shape) -> Tensor {
        wrapped(inner.averagePoolGradient(bare(cotangent), window, inputShape: inputShape))
    }
    func channelMoments(_ x: Tensor) -> (mean: Tensor, variance: Tensor) {
        wrapped(inner.channelMoments(bare(x)))
    }
    func channelAffineSum(_ tensors: [Tensor], scales: [Tensor], shift: Tensor?) -> Tensor {
        wrapped(
            inner.channelAffineSum(
                tensors.map { bare($0) }, scales: scales.map { bare($0) }, shift: bare(shift)))
    }
    func channelSums(_ cotangent: Tensor, _ x: Tensor, mean: Tensor)
        -> (sum: Tensor, product: Tensor)
    {
        wrapped(
            inner.channelSums(bare(cotangent), bare(x), mean: bare(mean)))
    }
    func channelGradient(
        _ cotangent: Tensor, _ x: Tensor, mean: Tensor, a: Tensor, b: Tensor, c: Tensor
    ) -> Tensor {
        wrapped(
            inner.channelGradient(
                bare(cotangent), bare(x), mean: bare(mean), a: bare(a), b: bare(b), c: bare(c)))
    }
    func uniform(_ shape: Shape, _ dtype: DType, in range: ClosedRange<Double>, from stream: RandomStream)
        -> Tensor
    {
        wrapped(inner.uniform(shape, dtype, in: range, from: stream))
    }
    func normal(_ shape: Shape, _ dtype: DType, from stream: RandomStream) -> Tensor {
        wrapped(inner.normal(shape, dtype, from: stream))
    }
    func mixedSumGradient(
        _ sum: MixedSum, record: MixedSumRecord, cotangent: Tensor, wants: MixedLeaves<Bool>,
        carried: [CarriedCotangent?]
    ) -> MixedLeaves<Tensor?>? {
        inner.mixedSumGradient(
            sum.map(bare), record: record.map(bare), cotangent: bare(cotangent), wants: wants,
            carried: carried.map { $0.map { (bare($0.sum), $0.isOwn) } }
        )?.map { $0.map(wrapped) }
    }
}
