import TensorEngine
import Testing

private let positive: @Sendable (Tensor) throws -> Tensor = { try $0.abs() + 0.5 }

@Sendable private func moments(_ channels: Int, _ seed: UInt64, on backend: any Backend) throws
    -> MixedSumRecord.Moments
{
    (try random([channels], seed, on: backend), try random([channels], seed + 1, on: backend).squared())
}

@Suite("Every operation's gradient, and its gradient's gradient, against central differences in Float64")
struct OperationGradientTests {
    static let elementwise: [GradientCase] = [
        .init("add", [[3, 4], [4]]) { try $0[0] + $0[1] },
        .init("subtract", [[3, 1], [2, 1, 4]]) { try $0[0] - $0[1] },
        .init("multiply", [[3, 4], [3, 1]]) { try $0[0] * $0[1] },
        .init("multiply by itself", [[5]]) { try $0[0] * $0[0] * $0[0] },
        .init("divide", [[3, 4], [4]], at: positive) { try $0[0] / $0[1] },
        .init("maximum", [[3, 4], [4]]) { try Tensor.maximum($0[0], $0[1]) * $0[0] },
        .init("minimum", [[3, 4], [1, 4]]) { try Tensor.minimum($0[0], $0[1]) * $0[0] },
        .init("mask", [[3, 4], [3, 4]]) { try ($0[0] * $0[0]).masked(where: $0[1]) },
        .init("negate", [[7]]) { try $0[0].negated() * $0[0] },
        .init("exp", [[7]]) { try $0[0].exp() },
        .init("log", [[7]], at: positive) { try $0[0].log() },
        .init("square root", [[7]], at: positive) { try $0[0].squareRoot() },
        .init("reciprocal square root", [[7]], at: positive) { try $0[0].reciprocalSquareRoot() },
        .init("reciprocal", [[7]], at: positive) { try $0[0].reciprocal() },
        .init("square", [[7]]) { try $0[0].squared() },
        .init("tanh", [[7]]) { try $0[0].tanh() },
        .init("sigmoid", [[7]]) { try $0[0].sigmoid() },
        .init("softplus", [[7]]) { try $0[0].softplus() },
        .init("relu", [[3, 5]]) { try $0[0].relu() * $0[0] },
        .init("leaky relu", [[3, 5]]) { try $0[0].leakyRelu(slope: 0.2) * $0[0] },
        .init("abs", [[3, 5]]) { try $0[0].abs() * $0[0] },
        .init("numbers", [[7]]) { try (1 - ($0[0] * 3 - 0.5)) * (2 + $0[0]) },
        .init("divisions by and of numbers", [[7]], at: positive) { try 2 / $0[0] * ($0[0] / 3) },
    ]

    static let movement: [GradientCase] = [
        .init("sum", [[3, 4, 5]]) { try $0[0].squared().sum(axes: [1]) },
        .init("sum of all", [[3, 4]]) { try ($0[0] * $0[0]).sum() },
        .init("sum keeping axes", [[3, 4, 5]]) { try $0[0] * $0[0].sum(axes: [0, 2], keepingAxes: true) },
        .init("squared norm of a list", [[3, 4], [5]]) { try $0.squaredNorm() * $0[1] },
        .init("mean", [[3, 4, 5]]) { try $0[0].squared().mean(axes: [0, 1]) },
        .init("max", [[3, 4, 5]]) { try $0[0].max(axes: [1]).squared() },
        .init("broadcast", [[3, 1]]) { try $0[0].squared().broadcast(to: [2, 3, 4]) },
        .init("reshape", [[3, 4]]) { try $0[0].reshaped(to: [2, -1]).squared() },
        .init("transpose", [[2, 3, 4]]) { try $0[0].transposed([2, 0, 1]).squared() },
        .init("concatenate channels", [[2, 3], [2, 2]]) {
            try Tensor.concatenated([$0[0], $0[1]], axis: -1).squared()
        },
        .init("concatenate rows", [[2, 3], [4, 3]]) {
            try Tensor.concatenated([$0[0], $0[1]], axis: 0).squared()
        },
        .init("slice channels", [[3, 4, 6]]) { try $0[0].sliced(axis: -1, from: 2, count: 3).squared() },
        .init("slice rows", [[5, 4]]) { try $0[0].sliced(axis: 0, from: 1, count: 2).squared() },
        .init("slice within", [[2, 5, 3]]) { try $0[0].sliced(axis: 1, from: 1, count: 3).squared() },
        .init("pad", [[2, 3, 4]]) { try $0[0].padded(axis: 1, before: 1, after: 2).squared() },
        .init("rows at indices", [[4, 3]]) {
            try $0[0].rows(at: $0[0].backend.tensor([2, 0, 2, 3, 2] as [Int32], [5])).squared()
        },
        .init("scatter rows", [[4, 3]]) {
            try $0[0].scatteringRows(to: $0[0].backend.tensor([2, 0, 2, 4] as [Int32], [4]), of: 6).squared()
        },
        .init("matrix product", [[3, 4], [4, 5]]) { try $0[0].matmul($0[1]) },
        .init("batched matrix product", [[2, 3, 4], [2, 5, 4]]) {
            try $0[0].matmul($0[1], transposeOther: true)
        },
        .init("transposed matrix product", [[4, 3], [5, 4]]) {
            try $0[0].matmul($0[1], transposeSelf: true, transposeOther: true)
        },
        .init("log softmax", [[4, 5]]) { try $0[0].logSoftmax() },
        .init("softmax", [[4, 5]]) { try $0[0].softmax() },
        .init("dropout", [[4, 5]]) {
            try $0[0].squared().dropout(rate: 0.4, from: RandomStream(seed: 3, "dropout"))
        },
        .init("recompute", [[4, 3], [3]]) {
            try recompute($0) { [try ($0[0] * $0[1]).tanh(), try $0[1].exp()] }.reduce($0[1]) {
                try $0 + $1.sum()
            }
        },
    ]

    static let convolutions: [GradientCase] = {
        var cases: [GradientCase] = []
        for (kernel, stride, padding, dilation, groups, input, output) in [
            (1, 1, 0, 1, 1, 3, 5), (3, 1, 1, 1, 1, 2, 3), (3, 2, 1, 1, 1, 3, 2), (1, 2, 0, 1, 1, 4, 3),
            (3, 1, 2, 2, 1, 2, 3), (3, 1, 1, 1, 2, 4, 6), (2, 2, 0, 1, 1, 2, 2), (4, 2, 1, 1, 1, 2, 3),
            (3, 1, 1, 1, 5, 5, 5), (5, 1, 2, 1, 3, 3, 3), (3, 2, 1, 1, 3, 3, 3), (5, 1, 4, 2, 3, 3, 3),
            (3, 2, 2, 2, 17, 17, 17), (3, 1, 0, 1, 2, 2, 2), (1, 1, 0, 1, 3, 3, 3), (3, 1, 1, 1, 3, 3, 6),
        ] {
            let geometry = ConvolutionGeometry(
                stride: stride, padding: padding, dilation: dilation, groups: groups)
            cases.append(
                .init(
                    "convolution k\(kernel) s\(stride) p\(padding) d\(dilation) g\(groups) \(input)→\(output)",
                    [[2, 7, 6, input], [kernel, kernel, input / groups, output]]
                ) { try $0[0].convolution($0[1], geometry) })
        }
        cases.append(
            .init("transposed convolution", [[2, 3, 3, 4], [4, 4, 3, 4]]) {
                try $0[0].transposedConvolution($0[1], .init(stride: 2, padding: 1))
            })
        cases.append(
            .init("transposed convolution with output padding", [[2, 3, 3, 2], [3, 3, 3, 2]]) {
                try $0[0].transposedConvolution($0[1], .init(stride: 2, padding: 1), outputPadding: 1)
            })
        cases.append(
            .init("oblong kernel", [[2, 5, 6, 2], [1, 3, 2, 2]]) {
                try $0[0].convolution($0[1], .init(padding: 1))
            })
        cases.append(
            .init("a view's convolution", [[2, 5, 5, 6], [3, 3, 1, 3], [3, 3, 3, 2], [1, 1, 3, 2]]) {
                let view = try $0[0].sliced(axis: -1, from: 2, count: 3)
                let depthwise = try view.convolution($0[1], .init(padding: 1, groups: 3))
                let dense = try view.convolution($0[2], .init(padding: 1))
                return try depthwise.sum() + dense.squared() + view.convolution($0[3])
            })
        return cases
    }()

    static let layers: [GradientCase] = {
        var cases: [GradientCase] = []
        for (size, stride, padding) in [(3, 1, 1), (3, 2, 1), (2, 2, 0), (5, 3, 0)] {
            let window = PoolingWindow(size: size, stride: stride, padding: padding)
            cases.append(
                .init("max pool \(window)", [[2, 7, 6, 3]]) { try $0[0].maxPool(window).squared() })
            cases.append(
                .init("average pool \(window)", [[2, 7, 6, 3]]) { try $0[0].averagePool(window).squared() })
        }
        cases += [
            .init("global average pool", [[2, 4, 3, 5]]) { try $0[0].globalAveragePool().squared() },
            .init("batch norm", [[2, 3, 3, 5]]) { try $0[0].normalized().output.squared() },
            .init("affine batch norm", [[2, 3, 3, 5], [5], [5]]) {
                try $0[0].normalized(by: .init(affine: ($0[1], $0[2]))).output.squared()
            },
            .init("batch norm by running moments", [[2, 3, 3, 5], [5], [5]]) {
                let moments = try moments(5, 5, on: $0[0].backend)
                return try $0[0].normalized(by: .init(affine: ($0[1], $0[2]), moments: moments)).output
                    .squared()
            },
        ]
        return cases
    }()

    static let mixedSums: [GradientCase] = {
        var cases: [GradientCase] = []
        @Sendable func stage(_ weights: ArraySlice<Tensor>, _ geometry: ConvolutionGeometry)
            -> ConvolutionStage
        {
            ConvolutionStage(
                depthwise: weights.first, pointwise: weights.last!, geometry)
        }
        for (kernel, stride, dilation, channels, outputs) in [
            (3, 1, 1, 3, 3), (5, 1, 1, 4, 2), (3, 2, 1, 3, 5), (3, 1, 2, 5, 3), (5, 2, 2, 3, 3),
            (5, 2, 1, 18, 4),
        ] {
            let geometry = ConvolutionGeometry(
                stride: stride, padding: dilation * (kernel - 1) / 2, dilation: dilation)
            let shapes: [Shape] = [
                [2, 6, 5, channels], [kernel, kernel, 1, channels], [1, 1, channels, outputs],
                [3, 3, 1, outputs],
                [1, 1, outputs, 3],
            ]
            let name = "separable k\(kernel) s\(stride) d\(dilation) \(channels)→\(outputs)"
            @Sendable func sum(_ inputs: [Tensor], _ norms: [Normalization?]) throws -> Tensor {
                try MixedSum(
                    sources: [inputs[0]],
                    branches: [
                        MixedBranch(
                            source: 0,
                            .convolutions([
                                stage(inputs[1...2], geometry), stage(inputs[3...4], .init(padding: 1)),
                            ]), normalizations: norms)
                    ]
                ).output().output.squared()
            }
            cases += [
                .init(name, shapes) { try sum($0, [nil, nil]) },
                .init("\(name), normalised", shapes) { try sum($0, [.init(), .init()]) },
                .init("\(name), normalised with γ and β", shapes + [[outputs], [outputs], [3], [3]]) {
                    try sum($0, [.init(affine: ($0[5], $0[6])), .init(affine: ($0[7], $0[8]))])
                },
                .init("\(name), by running moments", shapes + [[3], [3]]) {
                    try sum(
                        $0,
                        [
                            .init(moments: moments(outputs, 5, on: $0[0].backend)),
                            .init(
                                affine: ($0[5], $0[6]),
                                moments: moments(3, 7, on: $0[0].backend)),
                        ])
                },
            ]
        }
        let window = PoolingWindow(size: 3, stride: 1, padding: 1)
        // Branches of one source with paddings of their own, and of another; of one, two and no stages.
        let images: Shape = [3, 4, 5, 4]
        let weights: [Shape] = [[3, 3, 1, 4], [1, 1, 4, 4], [5, 5, 1, 4], [1, 1, 4, 4], [1, 1, 4, 4]]
        @Sendable func node(_ inputs: [Tensor], weights: Tensor?, factors: Tensor?) throws -> Tensor {
            let moments = try moments(4, 5, on: inputs[0].backend)
            return try MixedSum(
                sources: [inputs[0], inputs[1]],
                branches: [
                    MixedBranch(source: 0, .identity, normalizations: [nil], imageFactors: factors),
                    MixedBranch(source: 0, .maxPool(window), normalizations: [.init()]),
                    MixedBranch(
                        source: 1, .averagePool(window), normalizations: [nil], imageFactors: factors),
                    MixedBranch(
                        source: 0,
                        .convolutions([
                            stage(inputs[2...3], .init(padding: 1)), stage(inputs[2...3], .init(padding: 1)),
                        ]), normalizations: [.init(), .init()], imageFactors: factors),
                    MixedBranch(
                        source: 0, .convolutions([stage(inputs[4...5], .init(padding: 4, dilation: 2))]),
                        normalizations: [.init(moments: moments)]),
                    MixedBranch(
                        source: 0, .convolutions([ConvolutionStage(pointwise: inputs[6])]),
                        normalizations: [.init()]),
                    MixedBranch(source: 1, .identity, normalizations: [.init()]),
                    MixedBranch(source: 1, .averagePool(window), normalizations: [.init(moments: moments)]),
                    MixedBranch(source: 1, .maxPool(window), normalizations: [nil]),
                ], weights: weights
            ).output().output.squared()
        }
        cases += [
            .init("node", [images, images] + weights + [[9]]) {
                try node($0, weights: $0[7].softmax(), factors: nil)
            },
            .init("node without weights", [images, images] + weights) {
                try node($0, weights: nil, factors: nil)
            },
            .init("node with factors", [images, images] + weights + [[9]]) {
                try node(
                    $0, weights: $0[7],
                    factors: try $0[0].detached.keptExamples(rate: 0.4, from: RandomStream(seed: 2, "path")))
            },
            .init("pointwise stage", [images, weights[4], [4], [4]]) {
                try MixedSum(
                    sources: [$0[0]],
                    branches: [
                        MixedBranch(
                            source: 0, .convolutions([ConvolutionStage(pointwise: $0[1])]),
                            normalizations: [.init(affine: ($0[2], $0[3]))])
                    ]
                ).output().output.squared()
            },
        ]
        return cases
    }()

    @Test(arguments: elementwise) func elementwiseGradients(_ test: GradientCase) throws { try check(test) }
    @Test(arguments: movement) func movementGradients(_ test: GradientCase) throws { try check(test) }
    @Test(arguments: convolutions) func convolutionGradients(_ test: GradientCase) throws { try check(test) }
    @Test(arguments: layers) func layerGradients(_ test: GradientCase) throws { try check(test) }
    @Test(arguments: mixedSums) func mixedSumGradients(_ test: GradientCase) throws { try check(test) }

    @Test("Sums of views of one channel read their own elements", arguments: backends)
    func oneChannelViews(on backend: any Backend) throws {
        let view = try backend.tensor([0.0, 1, 2, 3, 4, 5], [2, 3]).sliced(axis: -1, from: 1, count: 1)
        #expect(try view.sum().item() == 5)
        #expect(try view.max(axes: [0]).doubles() == [4])
        #expect(try view.sum(axes: [0]).doubles() == [5])
    }

    @Test("A source that no branch reads keeps what has flowed to it", arguments: backends)
    func unreadSources(on backend: any Backend) throws {
        let x = try random([2, 3, 3, 2], 1, on: backend)
        let weight = try random([1, 1, 2, 2], 2, on: backend).variable
        let state = try x.convolution(weight)
        let node = try MixedSum(
            sources: [state, x], branches: [MixedBranch(source: 1, .identity, normalizations: [nil])]
        ).output().output
        let alone = try gradients(of: state.squared().sum(), withRespectTo: [weight])[0]
        let both = try gradients(of: state.squared().sum() + node.sum(), withRespectTo: [weight])[0]
        expectClose(both, alone, 1e-12)
    }

    @Test("A ReLU hands on what is no number, so that divergence shows", arguments: backends)
    func reluOfNaN(on backend: any Backend) throws {
        for dtype in [DType.float32, .float64] {
            let x = try backend.tensor([Double.nan, -1, 2, 0, 1, -2, 3, Double.nan], [1, 2, 2, 2])
                .converted(to: dtype)
            #expect(try x.relu().doubles().map(\.isNaN) == x.doubles().map(\.isNaN))
            let identity = try backend.tensor([1.0, 0, 0, 1], [1, 1, 2, 2]).converted(to: dtype)
            let sum = try MixedSum(
                sources: [x],
                branches: [
                    MixedBranch(
                        source: 0, .convolutions([ConvolutionStage(pointwise: identity)]),
                        normalizations: [nil])
                ]
            ).output().output
            #expect(try sum.doubles().contains(where: \.isNaN))
        }
    }

    @Test(arguments: backends) func thirdDerivative(on backend: any Backend) throws {
        let x = try backend.tensor([0.7], [1]).variable
        let first = try gradients(of: x.tanh().sum(), withRespectTo: [x], createGraph: true)[0]
        let second = try gradients(of: first.sum(), withRespectTo: [x], createGraph: true)[0]
        let third = try gradients(of: second.sum(), withRespectTo: [x])[0].item()
        let t = try x.tanh().sum().item()
        #expect(abs(third - (1 - t * t) * (6 * t * t - 2)) < 1e-12)
    }

    @Test func aReleasedGraphSaysSo() throws {
        let x = try random([3], 1).variable
        let y = try x.tanh().squared().sum()
        let kept = try gradients(of: y, withRespectTo: [x])[0].doubles()
        #expect(try gradients(of: y, withRespectTo: [x], releasingGraph: true)[0].doubles() == kept)
        #expect(throws: TensorError.self) { try gradients(of: y, withRespectTo: [x]) }
    }

    @Test func deepGraphsAreReleasedWithoutRecursion() throws {
        var x = try backend.ones([1], .float64).variable
        for _ in 0..<200_000 { x = try x + 1 }
        #expect(try x.item() == 200_001)
    }
}
