import CPUEngine
import ReferenceEngine
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
        for backend in backends { try bits(dtype, number, on: backend) }
    }

    private func bits(_ dtype: DType, _ number: Double, on backend: any Backend) throws {
        let x = try backend.tensor(Self.values, [3, 4]).cast(to: dtype)
        // A view, too, whose rows lie apart.
        for x in [x, try x.sliced(axis: 1, from: 1, count: 2)] {
            let scalar = try backend.full(number, .scalar, dtype)
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

    @Test(arguments: backends) func productsAreRoundedBeforeTheyAreAdded(on backend: any Backend) throws {
        let x = try backend.normal([1000], .float32, from: RandomStream(seed: 1))
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
    @Test(arguments: [DType.float32, .float64], backends)
    func sumsAreThoseOfEachTensorInOrder(_ dtype: DType, on backend: any Backend) throws {
        let shapes: [Shape] = [[3], .scalar, [40_000], [2, 5, 7], [1], [70_001]]
        let a = try shapes.enumerated().map { try random($1, UInt64($0), dtype, on: backend) }
        let b = try shapes.enumerated().map { try random($1, UInt64(10 + $0), dtype, on: backend) }
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

@Suite("What is fused and what is not")
struct FusionTests {
    /// Computes a mixed sum as one operation, but not its gradient.
    private final class ForwardOnlyBackend: ReferenceBackend, @unchecked Sendable {
        override func mixedSum(_ sum: MixedSum, keepingOutputs: Bool) throws
            -> (output: Tensor, record: MixedSumRecord)?
        {
            let (output, moments) = try sum.map { try $0.copied(to: reference) }.output()
            return (
                try output.copied(to: self),
                try MixedSumRecord(outputs: [], moments: moments.map { $0.map(\.moments) })
                    .map { try $0.copied(to: self) }
            )
        }
    }

    @Test(
        "A mixed sum whose gradient alone is not fused differentiates its composition, and adds to what has flowed"
    )
    func forwardAlone() throws {
        func gradient(on backend: any Backend) throws -> (value: Tensor, gradients: [Tensor]) {
            let x = try random([2, 4, 4, 3], 1, on: backend).variable
            let weights = try random([1, 1, 3, 3], 2, on: backend).variable
            let stage = ConvolutionStage(pointwise: weights)
            let (y, moments) = try MixedSum(
                sources: [x, x],
                branches: [
                    MixedBranch(source: 0, .convolutions([stage]), normalizations: [.init()]),
                    MixedBranch(source: 1, .identity, normalizations: [nil]),
                ]
            ).output()
            let loss = try (y.squared() * x).sum() + x.squared().sum() + moments[0][0].moments!.mean.sum()
            return (loss, try gradients(of: loss, withRespectTo: [x, weights]))
        }
        let expected = try gradient(on: reference)
        let others: [any Backend] = [
            ForwardOnlyBackend(), try CPUBackend(threads: 1, fusesMixedSums: false), backend,
        ]
        for backend in others {
            let found = try gradient(on: backend)
            expectClose(found.value, expected.value, 1e-12)
            for (a, b) in zip(found.gradients, expected.gradients) { expectClose(a, b, 1e-11) }
        }
    }

    @Test func aMixedSumIsLeftToItsCompositionWhereThatIsAskedFor() throws {
        func isFused(_ fuses: Bool) throws -> Bool {
            let backend = try CPUBackend(threads: 1, fusesMixedSums: fuses)
            let sum = MixedSum(
                sources: [try random([1, 2, 2, 1], 1, on: backend)],
                branches: [MixedBranch(source: 0, .identity, normalizations: [nil])])
            return backend.mixedSum(sum, keepingOutputs: false) != nil
        }
        #expect(try isFused(true) && !isFused(false))
    }

    @Test("The channels' operations are what they are composed of", arguments: [false, true])
    func channels(views: Bool) throws {
        func tensors(on backend: any Backend) throws -> [Tensor] {
            let wide: Shape = views ? [70, 30, 9] : [70, 30, 5]
            let (g, x) = (try random(wide, 1, on: backend), try random(wide, 2, on: backend))
            let vectors = try (3...6).map { try random([5], $0, on: backend) }
            return [
                try g.sliced(axis: -1, from: views ? 2 : 0, count: 5),
                try x.sliced(axis: -1, from: views ? 3 : 0, count: 5),
            ] + vectors
        }
        func results(on backend: any Backend) throws -> [Tensor] {
            let t = try tensors(on: backend)
            let (moments, sums) = (
                try backend.channelMoments(t[1]), try backend.channelSums(t[0], t[1], mean: t[2])
            )
            return [
                moments.mean, moments.variance, sums.sum, sums.product,
                try backend.channelAffine(t[1], mean: t[2], scale: t[3], shift: t[4], relu: true),
                try backend.channelAffine(t[1], mean: t[2], scale: t[3], shift: nil, relu: false),
                try backend.channelAffineSum([t[0], t[1]], scales: [t[2], t[3]], shift: t[4]),
                try backend.channelAffineSum([t[0], t[1]], scales: [t[2], t[3]], shift: nil),
                try backend.channelGradient(t[0], t[1], mean: t[2], a: t[3], b: t[4], c: t[5]),
            ]
        }
        for (a, b) in zip(try results(on: backend), try results(on: reference)) { expectClose(a, b, 1e-12) }
    }
}

@Suite("What has no gradient is the same on every backend")
struct ConstantOperationTests {
    @Test(arguments: [DType.float32, .float64])
    func randomNumbers(_ dtype: DType) throws {
        let stream = RandomStream(seed: 3, "numbers")
        for draw in [
            { try $0.uniform([7, 11], dtype, in: -0.3...0.9, from: stream) },
            { try $0.normal([7, 11], dtype, from: stream) },
        ] as [(any Backend) throws -> Tensor] {
            #expect(try draw(backend).doubles() == draw(reference).doubles())
        }
    }

    @Test func casts() throws {
        func integers(on backend: any Backend) throws -> [Int32] {
            try backend.tensor([1.9, -1.9, 0, 7.5], [4]).cast(to: .int32).values()
        }
        #expect(try integers(on: backend) == [1, -1, 0, 7] && integers(on: reference) == [1, -1, 0, 7])
    }

    @Test(arguments: backends)
    func classesAsRows(on backend: any Backend) throws {
        let labels = try backend.tensor([2, 0, 1, 2] as [Int32], [4])
        let rows = try labels.oneHot(3, .float32)
        #expect(rows.dtype == .float32 && rows.shape == [4, 3])
        #expect(try rows.doubles() == [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1])
        for outside in [3, -1] as [Int32] {
            let labels = try backend.tensor([0, outside], [2])
            #expect(throws: TensorError.self) { try labels.oneHot(3, .float64) }
            #expect(throws: TensorError.self) { try random([3, 2], 1, on: backend).rows(at: labels) }
            #expect(throws: TensorError.self) {
                try random([2, 2], 1, on: backend).scatteringRows(to: labels, of: 3)
            }
        }
        #expect(throws: TensorError.self) { try labels.oneHot(3, .int32) }
    }

    @Test(arguments: backends)
    func comparisons(on backend: any Backend) throws {
        let (a, b) = (try backend.tensor([1.0, 2, 3], [3]), try backend.tensor([2.0], [1]))
        #expect(try Tensor.greater(a, b).doubles() == [0, 0, 1])
        #expect(try Tensor.equal(a, b).doubles() == [0, 1, 0])
    }

    @Test func theMemoryOfTensorsIsCounted() throws {
        for backend in [try CPUBackend(threads: 1), ReferenceBackend()] as [any Backend] {
            #expect(backend.memory.current == 0)
            try withExtendedLifetime(backend.zeros([1000, 1000], .float32)) { _ in
                #expect((4_000_000..<4_100_000).contains(backend.memory.current))
            }
            #expect(backend.memory.current == 0 && backend.memory.peak >= 4_000_000)
            backend.resetPeakMemory()
            #expect(backend.memory.peak == 0)
        }
    }
}

extension Tensor {
    fileprivate func copied(to backend: any Backend) throws -> Tensor { try backend.tensor(doubles(), shape) }
}
