import Foundation
import TensorEngine
import Testing

/// A tensor as the fixtures have it.
struct FixtureTensor: Decodable {
    let shape: [Int]
    let values: [Double]

    func tensor(_ dtype: DType = .float64, on backend: any Backend) throws -> Tensor {
        try backend.tensor(values, Shape(shape)).cast(to: dtype)
    }
}

func fixture<Value: Decodable>(_ name: String, as type: Value.Type) throws -> Value {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "json"))
    return try JSONDecoder().decode(type, from: Data(contentsOf: url))
}

@Suite("Operations agree with PyTorch's")
struct FixtureTests {
    struct ConvolutionCase: Decodable {
        let kernel, stride, padding, dilation, groups: Int
        let transposed: Bool
        let input, weight, output, cotangent, inputGradient, weightGradient: FixtureTensor
    }

    @Test(arguments: backends) func convolution(on backend: any Backend) throws {
        for test in try fixture("convolution", as: [ConvolutionCase].self) {
            let name: Comment =
                "k\(test.kernel) s\(test.stride) p\(test.padding) d\(test.dilation) g\(test.groups)"
            let geometry = ConvolutionGeometry(
                stride: test.stride, padding: test.padding, dilation: test.dilation, groups: test.groups)
            for (dtype, tolerance) in [(DType.float64, 1e-12), (.float32, 1e-5)] {
                let (x, w) = (
                    try test.input.tensor(dtype, on: backend).variable,
                    try test.weight.tensor(dtype, on: backend).variable
                )
                let y =
                    try test.transposed ? x.transposedConvolution(w, geometry) : x.convolution(w, geometry)
                expectClose(y, try test.output.tensor(on: backend), tolerance, name)
                let found = try gradients(
                    of: [y], withRespectTo: [x, w], cotangents: [test.cotangent.tensor(dtype, on: backend)])
                expectClose(found[0], try test.inputGradient.tensor(on: backend), tolerance, name)
                expectClose(found[1], try test.weightGradient.tensor(on: backend), tolerance, name)
            }
        }
    }

    struct PoolingCase: Decodable {
        let kind: String
        let size, stride, padding: Int
        let input, output, cotangent, inputGradient: FixtureTensor
    }

    @Test(arguments: backends) func pooling(on backend: any Backend) throws {
        for test in try fixture("pooling", as: [PoolingCase].self) {
            let name: Comment = "\(test.kind) \(test.size) s\(test.stride) p\(test.padding)"
            let window = PoolingWindow(size: test.size, stride: test.stride, padding: test.padding)
            let x = try test.input.tensor(on: backend).variable
            let y = try test.kind == "maximum" ? x.maxPool(window) : x.averagePool(window)
            expectClose(y, try test.output.tensor(on: backend), 1e-14, name)
            let found = try gradients(
                of: [y], withRespectTo: [x], cotangents: [test.cotangent.tensor(on: backend)])
            expectClose(found[0], try test.inputGradient.tensor(on: backend), 1e-13, name)
        }
    }

    struct NormalizationCase: Decodable {
        let input, scale, shift, output, cotangent, inputGradient, scaleGradient, shiftGradient: FixtureTensor
        let runningMean, runningVariance, runningOutput: FixtureTensor
    }

    @Test(arguments: backends) func batchNorm(on backend: any Backend) throws {
        let test = try fixture("normalization", as: NormalizationCase.self)
        let inputs = [
            try test.input.tensor(on: backend), try test.scale.tensor(on: backend),
            try test.shift.tensor(on: backend),
        ].map(
            \.variable)
        let (y, moments) = try inputs[0].normalized(by: .init(affine: (inputs[1], inputs[2])))
        expectClose(y, try test.output.tensor(on: backend), 1e-12)
        let found = try gradients(
            of: [y], withRespectTo: inputs, cotangents: [test.cotangent.tensor(on: backend)])
        for (gradient, expected) in zip(found, [test.inputGradient, test.scaleGradient, test.shiftGradient]) {
            expectClose(gradient, try expected.tensor(on: backend), 1e-12)
        }
        let rows = Double(inputs[0].shape.rows)
        expectClose(try moments.mean * 0.1, try test.runningMean.tensor(on: backend), 1e-13)
        expectClose(
            try moments.variance * (0.1 * rows / (rows - 1)) + 0.9,
            try test.runningVariance.tensor(on: backend), 1e-13)
        let running = try inputs[0].normalized(
            by: .init(
                affine: (inputs[1], inputs[2]),
                moments: (test.runningMean.tensor(on: backend), test.runningVariance.tensor(on: backend))))
        expectClose(running.output, try test.runningOutput.tensor(on: backend), 1e-12)
    }
}
