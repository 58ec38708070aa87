import CPUEngine
import TensorEngine
import Testing

@Suite("Operands of two backends are refused by name")
struct TwoBackendsTests {
    private let other: CPUBackend

    init() throws { other = try CPUBackend(threads: 1) }

    private func image(on backend: any Backend) throws -> Tensor { try random([1, 4, 4, 2], 1, on: backend) }

    private func expectRefused(
        _ operation: String, sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws -> Void
    ) {
        let error = #expect(throws: TensorError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.operation == operation, sourceLocation: sourceLocation)
        #expect(
            error?.reason.contains("2 threads") == true && error?.reason.contains("1 thread;") == true,
            sourceLocation: sourceLocation)
    }

    @Test func operations() throws {
        let (x, y) = (try image(on: backend), try image(on: other))
        expectRefused("add") { _ = try x + y }
        expectRefused("greater") { _ = try Tensor.greater(x, y) }
        expectRefused("mask") { _ = try x.masked(where: y) }
        expectRefused("concatenate") { _ = try Tensor.concatenated([x, x, y], axis: 0) }
        expectRefused("squaredNorm") { _ = try [x, y].squaredNorm() }
        expectRefused("innerProducts") { _ = try [x].innerProducts([y]) }
        expectRefused("matmul") { _ = try random([2, 2], 1).matmul(random([2, 2], 2, on: other)) }
        expectRefused("gradients") {
            let variable = x.variable
            _ = try gradients(of: [variable * 2], withRespectTo: [variable], cotangents: [y])
        }
    }

    @Test func convolutions() throws {
        let (x, weights) = (try image(on: backend), try random([1, 1, 2, 3], 2, on: other))
        let g = try random([1, 4, 4, 3], 3, on: other)
        expectRefused("convolution") { _ = try x.convolution(weights) }
        expectRefused("convolutionInputGradient") {
            _ = try x.transposedConvolution(random([1, 1, 3, 2], 2, on: other))
        }
        expectRefused("convolutionWeightGradient") {
            _ = try x.convolutionWeightGradient(g, .init(), weightShape: weights.shape)
        }
    }

    @Test func rows() throws {
        let (x, indices) = (try random([3, 2], 1), try other.tensor([0, 1] as [Int32], [2]))
        expectRefused("rows") { _ = try x.rows(at: indices) }
        expectRefused("scatterRows") {
            _ = try x.sliced(axis: 0, from: 0, count: 2).scatteringRows(to: indices, of: 3)
        }
    }

    @Test func fusedOperations() throws {
        let x = try image(on: backend)
        let vector = try random([2], 2, on: other)
        expectRefused("batchNorm") { _ = try x.normalized(by: Normalization(affine: (vector, vector))) }
        expectRefused("batchNorm") { _ = try x.normalized(by: Normalization(moments: (vector, vector))) }
        func sum(_ x: Tensor, _ branch: MixedBranch, weights: Tensor? = nil) throws {
            _ = try MixedSum(sources: [x], branches: [branch], weights: weights).output()
        }
        let weights = try random([1], 3, on: other)
        expectRefused("mixedSum") {
            try sum(x, MixedBranch(source: 0, .identity, normalizations: [nil]), weights: weights)
        }
        expectRefused("mixedSum") {
            try sum(x, MixedBranch(source: 0, .identity, normalizations: [nil], imageFactors: weights))
        }
        expectRefused("mixedSum") {
            let norm = Normalization(moments: (vector, vector))
            try sum(x, MixedBranch(source: 0, .identity, normalizations: [norm]))
        }
        expectRefused("mixedSum") {
            let stage = ConvolutionStage(pointwise: try random([1, 1, 2, 2], 4, on: other))
            try sum(x, MixedBranch(source: 0, .convolutions([stage]), normalizations: [nil]))
        }
    }
}

@Suite("Numbers beside tensors count as tensors of one number")
struct ScalarOperandTests {
    private static let values: [Float] = [
        0, -0.0, 1, -1, 0.1, -3.3, 0x1p-140, 3e38, .infinity, -.infinity, .nan, 1 / 3,
    ]

    @Test(arguments: [DType.float32, .float64], [0.0, -0.0, 1, -1, 0.1, 0.3, 1e-30, 7e30])
    func bits(_ dtype: DType, number: Double) throws {
        let x = try backend.tensor(Self.values, [3, 4]).cast(to: dtype)
        // A view, too, whose rows lie apart.
        for x in [x, try x.sliced(axis: 1, from: 1, count: 2)] {
            let scalar = backend.full(number, .scalar, dtype)
            try expectSameBits(x * number, x * scalar)
            try expectSameBits(number * x, scalar * x)
            try expectSameBits(x / number, x / scalar)
            try expectSameBits(number / x, scalar / x)
            try expectSameBits(x + number, x + scalar)
            try expectSameBits(number + x, scalar + x)
            try expectSameBits(x - number, x - scalar)
            try expectSameBits(number - x, scalar - x)
        }
    }

    @Test func productsAreRoundedBeforeTheyAreAdded() throws {
        let x = backend.normal([1000], .float32, from: RandomStream(seed: 1))
        try expectSameBits(backend.affine(x, scale: 1 / 3, shift: 0.1), x * (1 / 3) + 0.1)
    }

    private func expectSameBits(
        _ a: Tensor, _ b: Tensor, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(a.dtype == b.dtype && a.shape == b.shape, sourceLocation: sourceLocation)
        // NaNs are alike, whatever their bits.
        func bits(_ x: Tensor) throws -> [UInt64?] { try x.doubles().map { $0.isNaN ? nil : $0.bitPattern } }
        #expect(try bits(a) == bits(b), sourceLocation: sourceLocation)
    }
}

@Suite("Lists of tensors as vectors")
struct TensorListTests {
    @Test(arguments: [DType.float32, .float64])
    func sumsAreThoseOfEachTensorInOrder(_ dtype: DType) throws {
        let shapes: [Shape] = [[3], .scalar, [40_000], [2, 5, 7], [1], [70_001]]
        let a = try shapes.enumerated().map { try random($1, UInt64($0), dtype) }
        let b = try shapes.enumerated().map { try random($1, UInt64(10 + $0), dtype) }
        let each = try zip(a, b).map { try ($0 * $1).sum() }
        #expect(try a.innerProducts(b) == each.map { try $0.item() })
        let squares = try a.map { try $0.squared().sum() }
        let total = try squares.dropFirst().reduce(squares[0]) { try $0 + $1 }
        #expect(try a.squaredNorm().item() == total.item())
        #expect(try a.squaredNorm().shape == .scalar)
    }

    @Test func viewsAreRead() throws {
        let x = try random([4, 6], 1).sliced(axis: 1, from: 2, count: 3)
        #expect(try [x].innerProducts([x])[0] == (x * x).sum().item())
    }

    @Test func whatDoesNotFitIsRefused() throws {
        let x = try random([3], 1)
        #expect(throws: TensorError.self) { try [Tensor]().squaredNorm() }
        #expect(throws: TensorError.self) { try [x].innerProducts([]) }
        #expect(throws: TensorError.self) { try [x].innerProducts([random([1, 3], 2)]) }
        #expect(throws: TensorError.self) { try [x, x.cast(to: .float32)].squaredNorm() }
    }
}

@Suite("What a backend says of itself")
struct BackendIdentityTests {
    @Test func threadsDecideNoBits() throws {
        let (one, two) = (try CPUBackend(threads: 1), try CPUBackend(threads: 2))
        #expect(one.identity == two.identity && one.summary != two.summary)
        let baseline = try CPUBackend(isa: ISA(named: "baseline"))
        #expect(baseline.identity.contains("baseline") && baseline.identity.contains(baseline.blasCore))
    }
}
