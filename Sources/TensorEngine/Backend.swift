/// Everything that touches memory: allocation and every kernel.
///
/// Nothing above a backend sees a raw pointer, so a GPU is another conformer. Methods take and return
/// tensors and never look at their history: differentiation is the business of the operations in `Ops/`,
/// which also check shapes and types, so that a backend may take them as given. Inputs may be views
/// (`Tensor.pitch`); results are contiguous. Chunks of work are fixed by the
/// problem and partial sums are reduced in a fixed order, so results do not depend on the number of threads.
///
/// A backend may be called from several threads at once: loaders prepare batches while a step computes.
public protocol Backend: AnyObject, Sendable {
    /// What computes, for people: kernels, BLAS core, threads.
    var summary: String { get }
    /// What decides the bits of its results: where two identities differ, results may, by rounding. Checkpoints
    /// keep it.
    var identity: String { get }
    /// Bytes in use by live tensors now and at most since `resetPeakMemory()`.
    var memory: MemoryUse { get }
    func resetPeakMemory()
    /// Waits until all that it was given to compute is done. By default nothing, for backends that compute at once.
    ///
    /// - Throws: what went wrong in what it computed.
    func synchronize() throws

    // MARK: Memory
    /// An uninitialised contiguous tensor.
    func empty(_ shape: Shape, _ dtype: DType) throws -> Tensor
    func full(_ value: Double, _ shape: Shape, _ dtype: DType) throws -> Tensor
    /// Copies `shape.count` elements from the host.
    func upload(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, _ dtype: DType) throws -> Tensor
    /// Copies all elements, in row-major order, to the host.
    func download(_ x: Tensor, into bytes: UnsafeMutableRawBufferPointer) throws
    /// A contiguous copy.
    func contiguous(_ x: Tensor) throws -> Tensor
    func cast(_ x: Tensor, to dtype: DType) throws -> Tensor

    // MARK: Elementwise
    func unary(_ operation: UnaryOperation, _ x: Tensor) throws -> Tensor
    /// With broadcasting to `shape`.
    func binary(_ operation: BinaryOperation, _ a: Tensor, _ b: Tensor, _ shape: Shape) throws -> Tensor
    /// scale·x + shift, the numbers rounded to x's type, and the product before the sum.
    func affine(_ x: Tensor, scale: Double, shift: Double) throws -> Tensor
    func broadcast(_ x: Tensor, to shape: Shape) throws -> Tensor
    /// sum ← sum + x. For the sums of reverse accumulation alone: `sum` is contiguous, has the shape of `x`,
    /// and no one else has seen it.
    func add(_ x: Tensor, into sum: Tensor) throws

    // MARK: Reduction and movement
    /// Reduces the given axes (sorted, not empty), which keep extent 1.
    func reduce(_ operation: ReduceOperation, _ x: Tensor, axes: [Int]) throws -> Tensor
    /// Σ a[k]·b[k] over the elements of each of n pairs of tensors of one shape [n], and the sum of these, one
    /// after the other, as a scalar; all of one type. Composed of other methods by default.
    func innerProducts(_ a: [Tensor], _ b: [Tensor]) throws -> (each: Tensor, total: Tensor)
    func transpose(_ x: Tensor, _ permutation: [Int]) throws -> Tensor
    func concatenate(_ tensors: [Tensor], axis: Int) throws -> Tensor
    func slice(_ x: Tensor, axis: Int, from start: Int, count: Int) throws -> Tensor
    /// Zero-pads an axis.
    func pad(_ x: Tensor, axis: Int, before: Int, after: Int) throws -> Tensor
    /// Rows of a matrix by Int32 indices: [R, C], [N] → [N, C].
    func gatherRows(_ table: Tensor, _ indices: Tensor) throws -> Tensor
    /// The adjoint of `gatherRows`: [N, C], [N] → [rows, C].
    func scatterRows(_ x: Tensor, _ indices: Tensor, rows: Int) throws -> Tensor
    /// Rows of 0 and, at each of the Int32 labels [N], 1: [N, classes].
    func oneHot(_ labels: Tensor, classes: Int, _ dtype: DType) throws -> Tensor

    // MARK: Linear algebra and convolution
    /// Batched matrix product of rank-3 operands [B, …, …], each optionally transposed in its last two axes.
    func matmul(_ a: Tensor, _ b: Tensor, transposeA: Bool, transposeB: Bool) throws -> Tensor
    /// NHWC input, HWIO weights [kh, kw, C/groups, O] → [N, H', W', O].
    func convolution(_ x: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry) throws -> Tensor
    /// dL/dx of a convolution: also the transposed convolution.
    func convolutionInputGradient(
        _ cotangent: Tensor, _ weights: Tensor, _ geometry: ConvolutionGeometry, inputShape: Shape
    ) throws -> Tensor
    func convolutionWeightGradient(
        _ x: Tensor, _ cotangent: Tensor, _ geometry: ConvolutionGeometry, weightShape: Shape
    ) throws -> Tensor

    // MARK: Pooling
    /// The maxima and, as Int32, the position of each within its image's H·W plane (first maximum wins).
    func maxPool(_ x: Tensor, _ window: PoolingWindow) throws -> (maxima: Tensor, positions: Tensor)
    /// out[n, p, c] = x[n, positions[n, p, c], c]
    func gatherPositions(_ x: Tensor, _ positions: Tensor) throws -> Tensor
    /// The adjoint of `gatherPositions`.
    func scatterPositions(_ x: Tensor, _ positions: Tensor, inputShape: Shape) throws -> Tensor
    /// Averages over the window's pixels inside the image (padding is not counted).
    func averagePool(_ x: Tensor, _ window: PoolingWindow) throws -> Tensor
    func averagePoolGradient(_ cotangent: Tensor, _ window: PoolingWindow, inputShape: Shape) throws -> Tensor

    // MARK: Normalisation, fused; composed of other operations by default
    /// The mean and biased variance of each channel over all rows.
    func channelMoments(_ x: Tensor) throws -> (mean: Tensor, variance: Tensor)
    /// y = (x − mean)·scale + shift, each per channel; `shift` and `relu` optional.
    func channelAffine(_ x: Tensor, mean: Tensor, scale: Tensor, shift: Tensor?, relu: Bool) throws -> Tensor
    /// Σ_k scales[k]·tensors[k] + shift for tensors of one shape, scales and shift per channel.
    func channelAffineSum(_ tensors: [Tensor], scales: [Tensor], shift: Tensor?) throws -> Tensor
    /// Per channel Σ g and Σ g·(x − mean), with g the cotangent.
    func channelSums(_ cotangent: Tensor, _ x: Tensor, mean: Tensor) throws
        -> (sum: Tensor, product: Tensor)
    /// dx = a·g + b·(x − mean) + c, each per channel, with g the cotangent.
    func channelGradient(
        _ cotangent: Tensor, _ x: Tensor, mean: Tensor, a: Tensor, b: Tensor, c: Tensor
    ) throws -> Tensor

    // MARK: Random numbers
    func uniform(_ shape: Shape, _ dtype: DType, in range: ClosedRange<Double>, from stream: RandomStream)
        throws
        -> Tensor
    func normal(_ shape: Shape, _ dtype: DType, from stream: RandomStream) throws -> Tensor

    // MARK: The search's own block, fused; not here by default
    /// A mixed sum's value, and what its gradient reads.
    ///
    /// - Parameters:
    ///   - sum: the branches, with their sources and weights.
    ///   - keepingOutputs: whether the record is to hold the stages' outputs, for the gradient.
    /// - Returns: `nil` where the backend leaves the sum to the operations it is composed of.
    func mixedSum(_ sum: MixedSum, keepingOutputs: Bool) throws -> (output: Tensor, record: MixedSumRecord)?
    /// - Parameters:
    ///   - sum: the branches, with their sources and weights.
    ///   - record: what `mixedSum` returned with the stages' outputs.
    ///   - cotangent: of the sum's result.
    ///   - wants: the leaves whose gradient is asked for.
    ///   - carried: what the gradient of each source is to include; in place, if it may.
    /// - Returns: the gradient of each leaf, which may be absent where it is not asked for; `nil` where the backend
    ///   leaves it to the operations that the sum is composed of.
    func mixedSumGradient(
        _ sum: MixedSum, record: MixedSumRecord, cotangent: Tensor, wants: MixedLeaves<Bool>,
        carried: [CarriedCotangent?]
    ) throws -> MixedLeaves<Tensor?>?
}

public struct MemoryUse: Sendable {
    public var current: Int
    public var peak: Int
    public init(current: Int, peak: Int) {
        self.current = current
        self.peak = peak
    }
}

public enum UnaryOperation: UInt8, Sendable, CaseIterable {
    case negate, exp, log, sqrt, rsqrt, reciprocal, square, tanh, sigmoid, softplus, relu, abs, sign
}

public enum BinaryOperation: UInt8, Sendable, CaseIterable {
    case add, subtract, multiply, divide, maximum, minimum
    /// 1 where the comparison holds, else 0, in the operands' type.
    case greater, equal
    /// a where b > 0, else 0: ReLU's gradient, and its own.
    case mask
}

public enum ReduceOperation: UInt8, Sendable, CaseIterable {
    case sum, maximum
}

/// The stride, padding, dilation and groups of a convolution, the same in height and width.
public struct ConvolutionGeometry: Hashable, Sendable {
    public var stride: Int
    public var padding: Int
    public var dilation: Int
    public var groups: Int

    public init(stride: Int = 1, padding: Int = 0, dilation: Int = 1, groups: Int = 1) {
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
        self.groups = groups
    }

    /// The output extent of an axis for an input extent and a kernel extent: ⌊(n + 2p − d(k − 1) − 1)/s⌋ + 1.
    public func outputExtent(_ input: Int, kernel: Int) -> Int {
        (input + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
    }
}

/// A square pooling window.
public struct PoolingWindow: Hashable, Sendable {
    public var size: Int
    public var stride: Int
    public var padding: Int

    public init(size: Int, stride: Int, padding: Int) {
        self.size = size
        self.stride = stride
        self.padding = padding
    }

    public func outputExtent(_ input: Int) -> Int { (input + 2 * padding - size) / stride + 1 }

    /// The shape of a pooled NHWC tensor.
    public func outputShape(_ input: Shape) -> Shape {
        [input[0], outputExtent(input[1]), outputExtent(input[2]), input[3]]
    }
}
