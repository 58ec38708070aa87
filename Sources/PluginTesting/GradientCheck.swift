import Multilevel
import TensorEngine

/// A scalar function of named tensors whose derivatives are held against differences of its values.
struct ScalarFunction {
    let names: [String]
    /// Where it is differentiated.
    let point: [Tensor]
    let value: ([Tensor]) throws -> Tensor

    func gradient(at point: [Tensor], createGraph: Bool = false) throws -> (at: [Tensor], gradient: [Tensor])
    {
        let variables = point.map(\.variable)
        return (
            variables,
            try gradients(of: value(variables), withRespectTo: variables, createGraph: createGraph)
        )
    }

    /// The names of the tensors, of all by default, that no gradient other than 0 reaches.
    func missed(in indices: Range<Int>? = nil) throws -> [String] {
        let gradient = try gradient(at: point).gradient
        return try (indices ?? point.indices).filter { index in
            try gradient[index].doubles().allSatisfy { $0 == 0 }
        }.map { names[$0] }
    }

    /// A direction of length 1, in some of the tensors alone.
    func direction(_ bench: Bench, _ label: String, in indices: Range<Int>) throws -> [Tensor] {
        let raw = try point.enumerated().map { index, tensor in
            indices.contains(index)
                ? try bench.normal(tensor.shape, "\(label) \(index)", on: tensor.backend)
                : try tensor.backend.zeros(tensor.shape, tensor.dtype)
        }
        return try raw.scaled(by: 1 / raw.norm())
    }

    /// The central differences by several steps: a kink between two points spoils some, not all.
    private func slopes(along direction: [Tensor], of function: ([Tensor]) throws -> Double) throws
        -> [Double]
    {
        try [1e-4, 1e-5, 1e-6, 1e-7].map { step in
            try
                (function(point.adding(direction, times: step))
                - function(point.adding(direction, times: -step))) / (2 * step)
        }
    }

    func slopes(along direction: [Tensor]) throws -> [Double] {
        try slopes(along: direction) { try value($0).item() }
    }

    /// The differences of the gradient's part along another direction.
    func curvatures(along direction: [Tensor], and other: [Tensor]) throws -> [Double] {
        try slopes(along: direction) { try gradient(at: $0).gradient.inner(other) }
    }

    /// direction · ∇² · other, differentiated twice.
    func secondDerivative(along direction: [Tensor], and other: [Tensor]) throws -> Double {
        let (variables, gradient) = try gradient(at: point, createGraph: true)
        guard gradient.contains(where: \.isDifferentiable) else { return 0 }
        var inner = try zip(gradient, other).map { try ($0 * $1).sum() }
        let first = inner.removeFirst()
        let product = try inner.reduce(first) { try $0 + $1 }
        return try gradients(of: product, withRespectTo: variables).inner(direction)
    }
}

extension ComponentCheck {
    /// First and second derivatives against central differences.
    mutating func checkDerivatives(_ property: String, of function: ScalarFunction, _ bench: Bench) {
        let all = 0..<function.point.count
        attempt("first derivatives of \(property)") { check in
            let gradient = try function.gradient(at: function.point).gradient
            try check.expectFinite("first derivatives of \(property)", gradient)
            func mismatch(_ indices: Range<Int>) throws -> (Double, Double)? {
                let direction = try function.direction(bench, "direction", in: indices)
                let found = try gradient.inner(direction)
                return nearest(found, try function.slopes(along: direction), tolerance: 1e-5)
                    .map { (found, $0) }
            }
            guard let joint = try mismatch(all) else { return }
            var named = false
            for index in all {
                guard let (found, slope) = try mismatch(index..<(index + 1)) else { continue }
                named = true
                check.fail(
                    "first derivatives of \(property) in \(function.names[index])", found: "\(found)",
                    expected: "\(slope), as differences of the values say")
            }
            if !named {
                check.fail(
                    "first derivatives of \(property)", found: "\(joint.0)",
                    expected: "\(joint.1), as differences of the values say")
            }
        }
        attempt("second derivatives of \(property)") { check in
            let one = try function.direction(bench, "one", in: all)
            let other = try function.direction(bench, "other", in: all)
            let found = try function.secondDerivative(along: one, and: other)
            let curvatures = try function.curvatures(along: one, and: other)
            if let curvature = nearest(found, curvatures, tolerance: 1e-4) {
                check.fail(
                    "second derivatives of \(property)", found: "\(found)",
                    expected: "\(curvature), as differences of the gradients say")
            }
        }
    }

    /// That a gradient that is not 0 reaches each of the tensors.
    mutating func checkReached(
        _ property: String, of function: ScalarFunction, in indices: Range<Int>? = nil
    ) {
        attempt(property) { check in
            let missed = try function.missed(in: indices)
            check.expect(
                missed.isEmpty, property, found: "none in \(missed.joined(separator: ", "))",
                expected: "a gradient other than 0 in every parameter")
        }
    }
}

/// nil if one of the slopes is the derivative, else the nearest of them.
private func nearest(_ derivative: Double, _ slopes: [Double], tolerance: Double) -> Double? {
    let isRight = slopes.contains {
        abs($0 - derivative) <= tolerance * max(abs($0), abs(derivative)) + 1e-8
    }
    return isRight ? nil : slopes.min { abs($0 - derivative) < abs($1 - derivative) }
}
