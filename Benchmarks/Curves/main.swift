// How far the approximate hypergradients are from what they approximate, as CSV: the tables of
// docs/mathematics.md.
//
//     hypergradient-curves
import CPUEngine
import Multilevel
import TensorEngine

let backend = try CPUBackend(threads: 1)

print("curve,x,method,relative_error")
try finiteDifferenceCurve()
try smoothCurve()
try implicitCurves()

/// Finite differences of each path of a tiny learner against exact, over the scale of ε.
func finiteDifferenceCurve() throws {
    for dtype in [DType.float64, .float32] {
        let problem = try tinyProblem(dtype)
        let solution = try problem.solve()
        let reference = try ExactHypergradient().gradient(of: problem, at: solution)
        for exponent in stride(from: 1, through: dtype == .float64 ? 12 : 7, by: 1) {
            let found = try finiteDifference(exponent).gradient(of: problem, at: solution)
            for path in ["w2", "class_weights", "w1", "generator"] {
                let error = try distance(found.terms[path]!, reference.terms[path]!)
                print("finite-difference \(dtype),1e-\(exponent),\(path),\(error)")
            }
        }
    }
}

/// With a scale of 10 to the power of −exponent.
func finiteDifference(_ exponent: Int) -> FiniteDifferenceHypergradient {
    var method = FiniteDifferenceHypergradient()
    method.scale = (0..<exponent).reduce(1) { scale, _ in scale / 10 }
    return method
}

/// Finite differences through four steps, where there is no kink.
func smoothCurve() throws {
    let problem = try regression(after: 3).problem(4)
    let solution = try problem.solve()
    let reference = try ExactHypergradient().gradient(of: problem, at: solution)
    for exponent in 0...12 {
        let found = try finiteDifference(exponent).gradient(of: problem, at: solution)
        print(
            "regression float64,1e-\(exponent),weights,\(try distance(found.gradient, reference.gradient))")
    }
}

/// K exact steps, and the solvers' iterations, against the implicit gradient at an inner optimum.
func implicitCurves() throws {
    let (problem, rate) = try regression(after: 2000)
    func gradient(_ method: any Hypergradient, steps: Int = 1) throws -> [Tensor] {
        let problem = try problem(steps)
        return try method.gradient(of: problem, at: problem.solve()).gradient
    }
    var solver = ConjugateGradientHypergradient()
    solver.stopping = StoppingRule(iterations: 100, tolerance: 1e-14)
    let reference = try gradient(solver)
    for count in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        print("implicit,\(count),exact,\(try distance(gradient(ExactHypergradient(), steps: count), reference))")
        var series = NeumannHypergradient()
        series.rate = rate
        series.stopping = StoppingRule(iterations: count, tolerance: 0)
        print("implicit,\(count),neumann,\(try distance(gradient(series), reference))")
        guard count <= 16 else { continue }
        solver.stopping = StoppingRule(iterations: count, tolerance: 0)
        print("implicit,\(count),conjugate-gradient,\(try distance(gradient(solver), reference))")
    }
}

/// ‖a − b‖/‖b‖.
func distance(_ a: [Tensor], _ b: [Tensor]) throws -> Double {
    let pairs = try zip(a.flatMap { try $0.doubles() }, b.flatMap { try $0.doubles() })
    let (difference, norm) = pairs.reduce((0.0, 0.0)) {
        ($0.0 + ($1.0 - $1.1) * ($1.0 - $1.1), $0.1 + $1.1 * $1.1)
    }
    return (difference / norm).squareRoot()
}
