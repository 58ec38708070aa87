import TensorEngine
import Testing

private let positive: @Sendable (Tensor) throws -> Tensor = { try $0.abs() + 0.5 }

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
    ]

    static let movement: [GradientCase] = [
        .init("sum", [[3, 4, 5]]) { try $0[0].squared().sum(axes: [1]) },
        .init("sum of all", [[3, 4]]) { try ($0[0] * $0[0]).sum() },
        .init("sum keeping axes", [[3, 4, 5]]) { try $0[0] * $0[0].sum(axes: [0, 2], keepingAxes: true) },
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
            try $0[0].rows(at: backend.tensor([2, 0, 2, 3, 2] as [Int32], [5])).squared()
        },
        .init("scatter rows", [[4, 3]]) {
            try $0[0].scatteringRows(to: backend.tensor([2, 0, 2, 4] as [Int32], [4]), of: 6).squared()
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
        .init("drop path", [[6, 2, 2, 3]]) {
            try $0[0].squared().droppedPath(rate: 0.4, from: RandomStream(seed: 3, "path"))
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
                let moments = (random([5], 5), try random([5], 6).squared())
                return try $0[0].normalized(by: .init(affine: ($0[1], $0[2]), moments: moments)).output
                    .squared()
            },
        ]
        for (kernel, stride, dilation, channels, outputs) in [
            (3, 1, 1, 3, 3), (5, 1, 1, 4, 2), (3, 2, 1, 3, 5), (3, 1, 2, 5, 3), (5, 2, 2, 3, 3),
            (5, 2, 1, 18, 4),
        ] {
            let geometry = ConvolutionGeometry(
                stride: stride, padding: dilation * (kernel - 1) / 2, dilation: dilation)
            let shapes: [Shape] = [
                [2, 6, 5, channels], [kernel, kernel, 1, channels], [1, 1, channels, outputs],
            ]
            let name = "separable k\(kernel) s\(stride) d\(dilation) \(channels)→\(outputs)"
            cases.append(
                .init(name, shapes) {
                    try $0[0].separableConvolution(depthwise: $0[1], pointwise: $0[2], geometry).output
                        .squared()
                })
            cases.append(
                .init("\(name), normalised", shapes) {
                    try $0[0].separableConvolution(
                        depthwise: $0[1], pointwise: $0[2], geometry, normalization: .init()
                    ).output.squared()
                })
            cases.append(
                .init("\(name), normalised with γ and β", shapes + [[channels], [channels]]) {
                    try $0[0].separableConvolution(
                        depthwise: $0[1], pointwise: $0[2], geometry,
                        normalization: .init(affine: ($0[3], $0[4]))
                    ).output.squared()
                })
            cases.append(
                .init("\(name), by running moments", shapes) {
                    let moments = (random([channels], 5), try random([channels], 6).squared())
                    return try $0[0].separableConvolution(
                        depthwise: $0[1], pointwise: $0[2], geometry, normalization: .init(moments: moments)
                    ).output.squared()
                })
        }
        let branch: Shape = [2, 3, 4, 5]
        cases.append(
            .init("normalised weighted sum", [branch, branch, branch, branch, branch, [5]]) {
                let moments = (random([5], 5), try random([5], 6).squared())
                let window = PoolingWindow(size: 3, stride: 1, padding: 1)
                return try Tensor.normalizedWeightedSum(
                    [
                        .tensor($0[0]), .tensor($0[1]), .tensor($0[2]), .maxPool($0[3], window),
                        .averagePool($0[4], window),
                    ], normalizations: [.init(), nil, .init(moments: moments), .init(), nil],
                    weights: $0[5].softmax()
                ).output.squared()
            })
        return cases
    }()

    @Test(arguments: elementwise) func elementwiseGradients(_ test: GradientCase) throws { try check(test) }
    @Test(arguments: movement) func movementGradients(_ test: GradientCase) throws { try check(test) }
    @Test(arguments: convolutions) func convolutionGradients(_ test: GradientCase) throws { try check(test) }
    @Test(arguments: layers) func layerGradients(_ test: GradientCase) throws { try check(test) }

    @Test func thirdDerivative() throws {
        let x = try backend.tensor([0.7], [1]).variable
        let first = try gradients(of: x.tanh().sum(), withRespectTo: [x], createGraph: true)[0]
        let second = try gradients(of: first.sum(), withRespectTo: [x], createGraph: true)[0]
        let third = try gradients(of: second.sum(), withRespectTo: [x])[0].item()
        let t = try x.tanh().sum().item()
        #expect(abs(third - (1 - t * t) * (6 * t * t - 2)) < 1e-12)
    }

    @Test func aReleasedGraphSaysSo() throws {
        let x = random([3], 1).variable
        let y = try x.tanh().squared().sum()
        let kept = try gradients(of: y, withRespectTo: [x])[0].doubles()
        #expect(try gradients(of: y, withRespectTo: [x], releasingGraph: true)[0].doubles() == kept)
        #expect(throws: TensorError.self) { try gradients(of: y, withRespectTo: [x]) }
    }

    @Test func deepGraphsAreReleasedWithoutRecursion() throws {
        var x = backend.ones([1], .float64).variable
        for _ in 0..<200_000 { x = try x + 1 }
        #expect(try x.item() == 200_001)
    }
}
