import CPUEngine
import TensorEngine
import Testing

@Suite("The same bits")
struct DeterminismTests {
    /// Everything a search cell's step does, in sizes with and without remainders of a vector.
    private func results(on backend: CPUBackend, channels: Int, batch: Int, extent: Int) throws -> [[Float]] {
        func input(_ shape: Shape, _ seed: UInt64) -> Tensor {
            backend.normal(shape, .float32, from: RandomStream(seed: seed)).variable
        }
        let x = input([batch, extent, extent, channels], 1)
        let depthwise = input([3, 3, 1, channels], 2)
        let pointwise = input([1, 1, channels, channels], 3)
        let dense = input([3, 3, channels, 2 * channels], 4)
        let weights = input([5], 5)
        let window = PoolingWindow(size: 3, stride: 1, padding: 1)
        func stage(_ geometry: ConvolutionGeometry) -> ConvolutionStage {
            ConvolutionStage(depthwise: depthwise, pointwise: pointwise, geometry)
        }
        let dilated = ConvolutionGeometry(padding: 2, dilation: 2)
        let mixed = try MixedSum(
            sources: [x],
            branches: [
                MixedBranch(
                    source: 0, .convolutions([stage(.init(padding: 1)), stage(dilated)]),
                    normalizations: [.init(), .init()]),
                MixedBranch(source: 0, .convolutions([stage(dilated)]), normalizations: [.init()]),
                MixedBranch(source: 0, .maxPool(window), normalizations: [.init()]),
                MixedBranch(source: 0, .averagePool(window), normalizations: [.init()]),
                MixedBranch(source: 0, .identity, normalizations: [nil]),
            ], weights: weights.softmax()
        ).output().output
        let reduced = try mixed.convolution(dense, .init(stride: 2, padding: 1)).normalized().output
        let loss = try reduced.relu().globalAveragePool().logSoftmax().squared().mean()
        let variables = [x, depthwise, pointwise, dense, weights]
        let first = try gradients(of: loss, withRespectTo: variables, createGraph: true)
        let second = try gradients(
            of: first, withRespectTo: variables, cotangents: first.map(\.detached))
        let plain = try gradients(of: loss, withRespectTo: variables)
        return try ([loss, mixed, reduced] + plain + second).map { try $0.values() }
    }

    @Test(arguments: [(16, 5, 8), (3, 4, 7), (20, 3, 9), (1, 2, 5), (4, 1, 6)])
    func threadsChangeNothing(_ channels: Int, batch: Int, extent: Int) throws {
        let one = try results(on: CPUBackend(threads: 1), channels: channels, batch: batch, extent: extent)
        for threads in [2, 3, 8] {
            let more = try results(
                on: CPUBackend(threads: threads), channels: channels, batch: batch, extent: extent)
            #expect(one == more, "\(threads) threads")
        }
    }

    @Test func largeReductionsToo() throws {
        func sums(_ threads: Int) throws -> [[Float]] {
            let backend = try CPUBackend(threads: threads)
            let x = backend.normal([70_001, 5], .float32, from: RandomStream(seed: 1)).variable
            let total = try x.exp().sum()
            return try [total, x.sum(axes: [0]), x.max(axes: [1])].map { try $0.values() }
                + gradients(of: total, withRespectTo: [x]).map { try $0.values() }
        }
        #expect(try sums(1) == sums(2))
    }

    /// Kernels of each instruction set that this CPU has agree to rounding.
    @Test(arguments: ["baseline", "avx2", "avx512"], [(16, 3, 6), (7, 2, 5), (36, 2, 4)])
    func instructionSetsAgree(_ name: String, _ size: (channels: Int, batch: Int, extent: Int)) throws {
        guard let isa = ISA(named: name) else {
            print("skipped: this CPU does not run \(name) kernels")
            return
        }
        let reference = try results(
            on: CPUBackend(threads: 1, isa: ISA(named: "baseline")), channels: size.channels,
            batch: size.batch, extent: size.extent)
        let found = try results(
            on: CPUBackend(threads: 1, isa: isa), channels: size.channels, batch: size.batch,
            extent: size.extent)
        for (a, b) in zip(found, reference) {
            let scale = max(b.map(abs).max() ?? 0, 1e-3)
            #expect(zip(a, b).allSatisfy { abs($0 - $1) <= 2e-4 * scale })
        }
    }
}

@Suite("Errors name the operation and the shapes")
struct ShapeErrorTests {
    @Test func messages() throws {
        let x = try backend.zeros([2, 4, 4, 3], .float32)
        func message(_ body: () throws -> Tensor) -> String {
            do { return "\(try body().shape)" } catch { return "\(error)" }
        }
        let convolution = message { try x.convolution(backend.zeros([3, 3, 4, 8], .float32)) }
        #expect(convolution.contains("convolution") && convolution.contains("[3, 3, 4, 8]"))
        let sum = message { try x + backend.zeros([5], .float32) }
        #expect(sum.contains("[2, 4, 4, 3]") && sum.contains("[5]"))
        let kinds = message { try x + backend.zeros([3], .float64) }
        #expect(kinds.contains("float32") && kinds.contains("float64"))
        let pool = message { try x.maxPool(.init(size: 7, stride: 1, padding: 0)) }
        #expect(pool.contains("maxPool") && pool.contains("7"))
        let sources = message {
            try MixedSum(
                sources: [x, backend.zeros([1, 4, 4, 3], .float32)],
                branches: [MixedBranch(source: 0, .identity, normalizations: [nil])]
            ).output().output
        }
        #expect(sources.contains("mixedSum") && sources.contains("[1, 4, 4, 3]"))
        let product = message {
            try backend.zeros([2, 3], .float32).matmul(backend.zeros([2, 3], .float32))
        }
        #expect(product.contains("matmul"))
        let labels = message { try backend.tensor([0, 7] as [Int32], [2]).oneHot(5, .float32) }
        #expect(labels.contains("7"))
    }
}
