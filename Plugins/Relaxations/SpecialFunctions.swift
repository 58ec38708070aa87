import Foundation
import TensorEngine

extension Tensor {
    /// log Γ(x), element by element, for x > 0; computed on the host.
    func logGamma() throws -> Tensor {
        try elementwise("logGamma") { order, _, x in
            order == 0 ? logarithmOfGammaFunction(x) : polygamma(order - 1, x)
        }
    }

    /// ψ(x), the derivative of log Γ(x), for x > 0; computed on the host.
    func digamma() throws -> Tensor { try elementwise("digamma") { order, _, x in polygamma(order, x) } }

    /// The logarithms of gamma variables of these shape parameters, by the inverse distribution function; pathwise
    /// differentiable twice. Computed on the host.
    ///
    /// - Parameter uniform: in (0, 1), the draw of the element of an index.
    /// - Throws: `TensorError` where a third derivative is asked for.
    func logarithmOfGamma(_ uniform: (Int) -> Double) throws -> Tensor {
        let draws = (0..<count).map(uniform)
        return try elementwise("logarithmOfGamma") { order, index, shape in
            guard order <= 2 else {
                throw TensorError("logarithmOfGamma", "a third derivative, expected at most the second")
            }
            return GammaQuantile(draws[index], shape: shape).derivatives[order]
        }
    }

    /// A function of one variable, by its derivative of each order at an element of an index.
    private func elementwise(
        _ name: String, order: Int = 0,
        _ derivative: @escaping @Sendable (_ order: Int, _ index: Int, _ x: Double) throws -> Double
    ) throws -> Tensor {
        let values = try detached.doubles().enumerated().map { try derivative(order, $0, $1) }
        return try record(
            name, [self], [backend.tensor(values, shape).cast(to: dtype)], savingInputs: [0]
        ) { context in
            [
                try context.cotangent
                    * context.input(0).elementwise(name, order: order + 1, derivative)
            ]
        }[0]
    }
}

/// log Γ(x) for x > 0.
func logarithmOfGammaFunction(_ x: Double) -> Double { lgamma(x) }

/// ψ⁽ⁿ⁾(x) for x > 0: by the recurrence up to large arguments, and Stirling's series there (Abramowitz and Stegun, 6.4.6
/// and 6.4.11).
func polygamma(_ order: Int, _ argument: Double) -> Double {
    let bernoulli: [(Double, Double)] = [
        (1, 6), (-1, 30), (1, 42), (-1, 30), (5, 66), (-691, 2730), (7, 6),
    ]
    func factorial(_ n: Int) -> Double { n < 2 ? 1 : (2...n).reduce(1.0) { $0 * Double($1) } }
    let sign = order % 2 == 0 ? -1.0 : 1
    let power = Double(order)
    var x = argument
    var sum = 0.0
    while x < 20 {
        sum += factorial(order) * pow(x, -power - 1)
        x += 1
    }
    sum += order == 0 ? -log(x) : factorial(order - 1) * pow(x, -power)
    sum += factorial(order) / 2 * pow(x, -power - 1)
    for (index, number) in bernoulli.enumerated() {
        let even = 2 * (index + 1)
        let coefficient = number.0 / number.1 * factorial(even + order - 1) / factorial(even)
        sum += coefficient * pow(x, -power - Double(even))
    }
    return sign * sum
}

/// y = log x where the gamma distribution's function P(a, x) has the value u, and its derivatives in the shape a.
///
/// With S = Σ xⁿ/((a + 1)…(a + n)), L = log P = a·y − x − log Γ(a + 1) + log S. L is increasing and concave in y, so that
/// Newton's iteration from the left converges from the left; and y′ = −L_a/L_y, by the implicit function theorem.
package struct GammaQuantile {
    /// y, y′ and y″.
    package let derivatives: [Double]

    package init(_ u: Double, shape a: Double) {
        // P(a, x) ≤ xᵃ/Γ(a + 1).
        var y = (log(u) + logarithmOfGammaFunction(a + 1)) / a
        for _ in 0..<200 {
            let series = Series(a, exp(y))
            let excess = a * y - exp(y) - logarithmOfGammaFunction(a + 1) + log(series.sum) - log(u)
            let step = excess * series.sum / a
            // From the left y grows, until rounding is all that is left of a step.
            guard step < 0 else { break }
            y -= step
        }
        self.init(at: y, shape: a)
    }

    /// - Parameter y: the logarithm of the variable; u is what P has there.
    package init(at y: Double, shape a: Double) {
        let series = Series(a, exp(y))
        let s = series.sum
        let slope = series.inShape / s
        let (ly, la) = (a / s, y - polygamma(0, a + 1) + slope)
        let first = -la / ly
        let laa = series.inShapeTwice / s - slope * slope - polygamma(1, a + 1)
        let lay = 1 / s - a * series.inShape / (s * s)
        let lyy = -a * series.inLogarithm / (s * s)
        derivatives = [y, first, -(laa + 2 * lay * first + lyy * first * first) / ly]
    }

    /// S and its derivatives.
    private struct Series {
        var sum = 1.0
        /// S_a, S_aa and S_y.
        var inShape = 0.0
        var inShapeTwice = 0.0
        var inLogarithm = 0.0

        init(_ a: Double, _ x: Double) {
            var (term, slope, curvature) = (1.0, 0.0, 0.0)
            var n = 0.0
            repeat {
                n += 1
                term *= x / (a + n)
                slope -= 1 / (a + n)
                curvature += 1 / ((a + n) * (a + n))
                sum += term
                inShape += term * slope
                inShapeTwice += term * (slope * slope + curvature)
                inLogarithm += term * n
            } while term * (1 + n) > 1e-18 * sum || n < x
        }
    }
}
