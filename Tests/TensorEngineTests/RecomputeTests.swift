import CPUEngine
import TensorEngine
import Testing

@Suite("Recomputed functions, to any order")
struct RecomputeTests {
    struct Composite: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let inputs: [Shape]
        let body: @Sendable ([Tensor]) throws -> [Tensor]
    }

    private static let image: Shape = [2, 5, 4, 3]

    static let composites: [Composite] = [
        .init(testDescription: "elementwise, two outputs", inputs: [[4, 3], [3]]) {
            [try ($0[0] * $0[1]).tanh(), try $0[1].exp()]
        },
        .init(testDescription: "an input handed on, and one not used", inputs: [[4], [3], [4]]) {
            [$0[0], try $0[0] * $0[2].sigmoid()]
        },
        .init(testDescription: "an output of integers", inputs: [[4, 3]]) {
            [backend.cast($0[0].detached, to: .int32), try $0[0].squared().softplus()]
        },
        .init(testDescription: "dropout", inputs: [[4, 5]]) {
            [try $0[0].exp().dropout(rate: 0.4, from: RandomStream(seed: 3, "dropout"))]
        },
        .init(
            testDescription: "fused operations", inputs: [image, [3, 3, 1, 3], [1, 1, 3, 3], [3], [3], [2]]
        ) {
            inputs in
            let stage = ConvolutionStage(depthwise: inputs[1], pointwise: inputs[2], .init(padding: 1))
            let x = try inputs[0].normalized(by: .init(affine: (inputs[3], inputs[4]))).output
            return [
                try MixedSum(
                    sources: [x],
                    branches: [
                        MixedBranch(
                            source: 0, .convolutions([stage, stage]), normalizations: [.init(), .init()]),
                        MixedBranch(
                            source: 0, .averagePool(PoolingWindow(size: 3, stride: 1, padding: 1)),
                            normalizations: [.init()]),
                    ], weights: inputs[5].softmax()
                ).output().output
            ]
        },
        .init(testDescription: "nested", inputs: [[3, 4], [4, 2]]) {
            try recompute($0) { inputs in
                [
                    try inputs[0].matmul(
                        recompute([inputs[1]]) { [try $0[0].tanh().squared()] }[0]
                    ).sigmoid()
                ]
            }
        },
    ]

    /// The first three derivatives of a function of `point`, each along a fixed direction of the one before.
    private func derivatives(_ point: [Tensor], _ function: ([Tensor]) throws -> [Tensor]) throws
        -> (value: Tensor, gradients: [[Tensor]])
    {
        let variables = point.map(\.variable)
        func paired(_ tensors: [Tensor], _ seed: UInt64) throws -> Tensor {
            try tensors.enumerated().filter { $1.dtype == .float64 }
                .map { try ($1 * random($1.shape, seed + UInt64($0))).sum() }
                .reduce(backend.zeros(.scalar, .float64)) { try $0 + $1 }
        }
        let value = try paired(function(variables), 1)
        var scalar = value
        var found: [[Tensor]] = []
        for order in 1...3 {
            guard scalar.isDifferentiable else { break }
            found.append(try gradients(of: scalar, withRespectTo: variables, createGraph: order < 3))
            scalar = try paired(found[order - 1], UInt64(20 * order))
        }
        return (value, found)
    }

    @Test(arguments: composites) func threeDerivatives(_ test: Composite) throws {
        let point = try test.inputs.enumerated().map { try random($1, UInt64(10 + $0)) }
        let plain = try derivatives(point, test.body)
        let recomputed = try derivatives(point) { try recompute($0, test.body) }
        #expect(try recomputed.value.item() == plain.value.item())
        #expect(recomputed.gradients.count == plain.gradients.count && plain.gradients.count == 3)
        for (order, (a, b)) in zip(recomputed.gradients, plain.gradients).enumerated() {
            for (a, b) in zip(a, b) { expectClose(a, b, 1e-12, "derivative \(order + 1)") }
        }
        // Each derivative is the slope of the one before.
        let h = 1e-5
        let direction = try test.inputs.enumerated().map { try random($1, UInt64(100 + $0)) }
        func moved(_ step: Double) throws -> [[Tensor]] {
            try derivatives(try zip(point, direction).map { try $0 + $1 * step }) {
                try recompute($0, test.body)
            }.gradients
        }
        func along(_ gradient: [Tensor], _ vectors: [Tensor]) throws -> Double {
            try zip(gradient, vectors).reduce(0) { try $0 + ($1.0 * $1.1).sum().item() }
        }
        let (ahead, behind) = (try moved(h), try moved(-h))
        for order in 1...2 {
            let vectors = try test.inputs.enumerated().map { try random($1, UInt64(20 * order + $0)) }
            let slope = try (along(ahead[order - 1], vectors) - along(behind[order - 1], vectors)) / (2 * h)
            let analytic = try along(recomputed.gradients[order], direction)
            #expect(
                abs(slope - analytic) <= 1e-6 * max(1, abs(slope)),
                "derivative \(order + 1): the slope is \(slope), the gradient says \(analytic)")
        }
    }

    @Test("Without a graph of the gradient the bits are the same")
    func sameBits() throws {
        let test = Self.composites[4]
        let variables = try test.inputs.enumerated().map { try random($1, UInt64(10 + $0)).variable }
        let plain = try gradients(of: test.body(variables)[0].squared().sum(), withRespectTo: variables)
        let recomputed = try gradients(
            of: recompute(variables, test.body)[0].squared().sum(), withRespectTo: variables)
        for (a, b) in zip(plain, recomputed) { #expect(try a.doubles() == b.doubles()) }
    }

    /// Peak bytes of a second derivative through a chain of blocks.
    private func peak(blocks: Int, recomputing: Bool) throws -> Int {
        let backend = try CPUBackend(threads: 2)
        let weights = try random([64, 64], 3, on: backend).variable
        let body: @Sendable ([Tensor]) throws -> [Tensor] = { inputs in
            var x = inputs[0]
            for _ in 0..<8 { x = try x.matmul(inputs[1]).tanh() }
            return [x]
        }
        var x = try random([1024, 64], 4, on: backend)
        for _ in 0..<blocks {
            x = try recomputing ? recompute([x, weights], body)[0] : body([x, weights])[0]
        }
        let first = try gradients(of: x.sum(), withRespectTo: [weights], createGraph: true)[0]
        x = x.detached
        _ = try gradients(of: first.squared().sum(), withRespectTo: [weights], releasingGraph: true)
        return backend.memory.peak
    }

    @Test("A second derivative holds one body's graph at a time") func memory() throws {
        let plain = try (peak(blocks: 2, recomputing: false), peak(blocks: 8, recomputing: false))
        let recomputed = try (peak(blocks: 2, recomputing: true), peak(blocks: 8, recomputing: true))
        // Six more blocks keep, for each of 8 layers, several tensors; or for each block a few.
        #expect(recomputed.1 - recomputed.0 < (plain.1 - plain.0) / 8, "\(plain) and \(recomputed)")
        #expect(recomputed.1 < plain.1 / 3, "\(plain) and \(recomputed)")
    }
}
