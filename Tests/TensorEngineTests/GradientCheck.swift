import CPUEngine
import ReferenceEngine
import TensorEngine
import Testing

let backend: CPUBackend = {
    do { return try CPUBackend(threads: 2) } catch { fatalError("\(error)") }
}()

/// Plain loops, and fused operations as the operations that they are composed of.
let reference = ReferenceBackend()

let backends: [any Backend] = [backend, reference]

/// Standard normal Float64 numbers, the same on every run.
func random(_ shape: Shape, _ seed: UInt64, _ dtype: DType = .float64, on backend: any Backend = backend)
    throws -> Tensor
{
    try backend.normal(shape, .float64, from: RandomStream(seed: seed, "tests"))
        .converted(to: dtype)
}

extension Tensor {
    func converted(to dtype: DType) throws -> Tensor { try backend.cast(self, to: dtype) }
}

/// An operation at a point: what the checks below differentiate.
struct GradientCase: Sendable, CustomTestStringConvertible {
    let name: String
    let inputs: [Shape]
    /// From standard normal numbers to where the operation is to be checked.
    var place: @Sendable (Tensor) throws -> Tensor = { $0 }
    let function: @Sendable ([Tensor]) throws -> Tensor

    init(
        _ name: String, _ inputs: [Shape], at place: @escaping @Sendable (Tensor) throws -> Tensor = { $0 },
        _ function: @escaping @Sendable ([Tensor]) throws -> Tensor
    ) {
        self.name = name
        self.inputs = inputs
        self.place = place
        self.function = function
    }

    var testDescription: String { name }
}

/// Compares the gradient of Σ cotangent·f(x) and the gradient of that gradient's inner product with a fixed
/// vector with central differences along random directions, and all of it with the reference backend's.
func check(_ test: GradientCase, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let point = try test.inputs.enumerated().map { try test.place(random($1, UInt64(10 + $0))) }
    let shape = try test.function(point).shape
    let vectors = try test.inputs.enumerated().map { try random($1, UInt64(40 + $0)) }

    func value(_ inputs: [Tensor]) throws -> Tensor {
        try (test.function(inputs) * random(shape, 1, on: inputs[0].backend)).sum()
    }
    func inner(_ gradient: [Tensor]) throws -> Tensor {
        let backend = gradient[0].backend
        return try gradient.enumerated()
            .map { try ($1 * random($1.shape, UInt64(40 + $0), on: backend)).sum() }
            .reduce(backend.zeros(.scalar, .float64)) { try $0 + $1 }
    }
    func gradient(_ inputs: [Tensor], createGraph: Bool) throws -> [Tensor] {
        try gradients(of: value(inputs), withRespectTo: inputs, createGraph: createGraph)
    }

    let variables = point.map(\.variable)
    let first = try gradient(variables, createGraph: true)
    for (composed, plain) in zip(first, try gradient(variables, createGraph: false)) {
        expectClose(plain, composed, 1e-10, "\(test.name): the gradient with and without a graph")
    }
    // What is not asked for is not computed, and changes nothing in what is.
    for index in point.indices {
        let variable = point[index].variable
        var inputs = point
        inputs[index] = variable
        let alone = try gradients(of: value(inputs), withRespectTo: [variable])[0]
        expectClose(alone, first[index], 1e-10, "\(test.name): the gradient of input \(index) alone")
    }
    let second =
        first.contains(where: \.isDifferentiable)
        ? try gradients(of: inner(first), withRespectTo: variables)
        : try point.map { try $0.filled(with: 0) }

    // Nor does it in the second derivative, where some of the first ones are paired and some are asked for.
    for index in point.indices {
        var sum = try point[index].filled(with: 0)
        for (gradient, vector) in zip(first, vectors) where gradient.isDifferentiable {
            let paired = try (gradient * vector).sum()
            sum = try sum + gradients(of: paired, withRespectTo: [variables[index]])[0]
        }
        expectClose(sum, second[index], 1e-9, "\(test.name): the second derivative for input \(index) alone")
    }

    // Plain loops say the same, and fused operations what those say that they are composed of.
    let plain = try test.inputs.enumerated().map {
        try test.place(random($1, UInt64(10 + $0), on: reference)).variable
    }
    expectClose(
        try test.function(point), try test.function(plain), 1e-12, "\(test.name): the reference's value")
    let composed = try gradient(plain, createGraph: true)
    for (a, b) in zip(first, composed) {
        expectClose(a, b, 1e-10, "\(test.name): the reference's gradient")
    }
    if composed.contains(where: \.isDifferentiable) {
        for (a, b) in zip(second, try gradients(of: inner(composed), withRespectTo: plain)) {
            expectClose(a, b, 1e-9, "\(test.name): the reference's gradient's gradient")
        }
    }

    let h = 1e-5
    for trial in 0..<3 {
        let directions = try test.inputs.enumerated().map { try random($1, UInt64(100 + 10 * trial + $0)) }
        func moved(_ step: Double) throws -> [Tensor] {
            try zip(point, directions).map { try $0 + $1 * step }
        }
        func slope(_ function: ([Tensor]) throws -> Double) throws -> Double {
            let (a, b) = (
                try function(moved(h)) - function(moved(-h)),
                try function(moved(2 * h)) - function(moved(-2 * h))
            )
            return (8 * a - b) / (12 * h)
        }
        func along(_ gradient: [Tensor]) throws -> Double {
            try zip(gradient, directions).reduce(0) { try $0 + ($1.0 * $1.1).sum().item() }
        }
        let numeric = try slope { try value($0).item() }
        let analytic = try along(first)
        #expect(
            abs(numeric - analytic) <= 1e-7 * max(1, abs(numeric)),
            "\(test.name): the slope is \(numeric), the gradient says \(analytic)",
            sourceLocation: sourceLocation)
        let numericSecond = try slope { try inner(gradient($0.map(\.variable), createGraph: false)).item() }
        let analyticSecond = try along(second)
        #expect(
            abs(numericSecond - analyticSecond) <= 1e-6 * max(1, abs(numericSecond)),
            "\(test.name): the gradient's slope is \(numericSecond), its gradient says \(analyticSecond)",
            sourceLocation: sourceLocation)
    }
}

/// Expects two tensors to agree to a tolerance relative to the larger of 1 and the largest element.
func expectClose(
    _ a: Tensor, _ b: Tensor, _ tolerance: Double, _ comment: Comment? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) {
    #expect(a.shape == b.shape, comment, sourceLocation: sourceLocation)
    guard a.shape == b.shape, let x = try? a.doubles(), let y = try? b.doubles() else { return }
    let scale = max(1, y.map(abs).max() ?? 0)
    let worst = zip(x, y).map { abs($0 - $1) }.max() ?? 0
    #expect(
        worst <= tolerance * scale && !worst.isNaN, "\(comment?.rawValue ?? ""): off by \(worst) of \(scale)",
        sourceLocation: sourceLocation)
}
