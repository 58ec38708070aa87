// How far the approximate hypergradients are from what they approximate, as CSV: the tables of
// docs/mathematics.md.
//
//     hypergradient-curves
import CPUEngine
import ErrataCore
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
        let reference = try ExactHypergradient().gradient(of: problem, at: solution, recording: nil)
        for exponent in stride(from: 1, through: dtype == .float64 ? 12 : 7, by: 1) {
            var settings = FiniteDifferenceHypergradient.Settings()
            settings.scale = (0..<exponent).reduce(1) { scale, _ in scale / 10 }
            let found = try FiniteDifferenceHypergradient(settings).gradient(
                of: problem, at: solution, recording: nil)
            for path in ["w2", "class_weights", "w1", "generator"] {
                let error = try distance(found.terms[path]!, reference.terms[path]!)
                print("finite-difference \(dtype),1e-\(exponent),\(path),\(error)")
            }
        }
    }
}

/// Finite differences through four steps, where there is no kink.
func smoothCurve() throws {
    let (problem, _) = try regression(innerSteps: 3)
    var unrolled = ExactHypergradient.Settings()
    unrolled.unrollSteps = 4
    let solution = try problem.solve(innerSteps: 4)
    let reference = try ExactHypergradient(unrolled).gradient(of: problem, at: solution, recording: nil)
    for exponent in 0...12 {
        var settings = FiniteDifferenceHypergradient.Settings()
        settings.unrollSteps = 4
        settings.scale = (0..<exponent).reduce(1) { scale, _ in scale / 10 }
        let found = try FiniteDifferenceHypergradient(settings).gradient(
            of: problem, at: solution, recording: nil)
        print(
            "regression float64,1e-\(exponent),weights,\(try distance(found.gradient, reference.gradient))")
    }
}

/// K exact steps, and the solvers' iterations, against the implicit gradient at an inner optimum.
func implicitCurves() throws {
    let (problem, rate) = try regression(innerSteps: 2000)
    let solution = try problem.solve()
    func gradient(_ method: any Hypergradient) throws -> [Tensor] {
        try method.gradient(
            of: problem, at: method.innerSteps == 1 ? solution : problem.solve(innerSteps: method.innerSteps),
            recording: nil
        ).gradient
    }
    var settings = ConjugateGradientHypergradient.Settings()
    (settings.iterations, settings.tolerance) = (100, 1e-14)
    let reference = try gradient(ConjugateGradientHypergradient(settings))
    for count in [1, 2, 4, 8, 16, 32, 64, 128, 256] {
        var unrolled = ExactHypergradient.Settings()
        unrolled.unrollSteps = count
        print("implicit,\(count),exact,\(try distance(gradient(ExactHypergradient(unrolled)), reference))")
        var series = NeumannHypergradient.Settings()
        (series.rate, series.iterations, series.tolerance) = (rate, count, 0)
        print("implicit,\(count),neumann,\(try distance(gradient(NeumannHypergradient(series)), reference))")
        guard count <= 16 else { continue }
        (settings.iterations, settings.tolerance) = (count, 0)
        print(
            "implicit,\(count),conjugate-gradient,"
                + "\(try distance(gradient(ConjugateGradientHypergradient(settings)), reference))")
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
