import CPUEngine
import ErrataCore
import Foundation
import NeuralNetworks
import TensorEngine
import Testing

@Suite("Hypergradients of quadratic problems, against closed forms")
struct QuadraticTests {
    let backend: CPUBackend

    init() throws { backend = try CPUBackend(threads: 1) }

    /// Expects the terms to be the expected ones to a relative tolerance, and the gradient their sum.
    private func expect(
        _ found: OuterGradient, _ expected: [String: [Double]], _ tolerance: Double, _ what: Comment,
        paths: [String] = QuadraticProblem.paths, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        var sum = [Double](repeating: 0, count: QuadraticProblem.size)
        for path in paths {
            let (found, expected) = (try found.terms[path]?[0].doubles(), expected[path]!)
            sum = zip(sum, expected).map(+)
            #expect(
                relativeDistance(found ?? expected.map { _ in 0 }, expected) <= tolerance,
                "\(what.rawValue), \(path): \(found ?? []), expected \(expected)",
                sourceLocation: sourceLocation)
        }
        let gradient = try found.gradient[0].doubles()
        #expect(
            relativeDistance(gradient, sum) <= tolerance, "\(what.rawValue): \(gradient), expected \(sum)",
            sourceLocation: sourceLocation)
    }

    private func gradient(_ problem: QuadraticProblem, _ method: any Hypergradient) throws -> OuterGradient {
        let built = try problem.problem(on: backend)
        return try method.gradient(
            of: built, at: built.solve(innerSteps: problem.innerSteps), recording: nil)
    }

    private func exact(_ problem: QuadraticProblem, clip: ClipTreatment = .differentiated) throws
        -> OuterGradient
    {
        var settings = ExactHypergradient.Settings()
        (settings.unrollSteps, settings.clip) = (problem.innerSteps, clip)
        return try gradient(problem, ExactHypergradient(settings))
    }

    private static let optimizers: [(weights: QuadraticProblem.Optimizer, game: QuadraticProblem.Optimizer)] =
        [
            (.sgd(momentum: 0, decay: 0, clip: nil), .sgd(momentum: 0, decay: 0, clip: nil)),
            (.sgd(momentum: 0.9, decay: 0.1, clip: nil), .adam(epsilon: 1e-8, isWarm: true)),
            (.sgd(momentum: 0.9, decay: 0.1, clip: 0.5), .adam(epsilon: 0.1, isWarm: false)),
            (.adam(epsilon: 0.1, isWarm: false), .adam(epsilon: 0.1, isWarm: true)),
        ]

    @Test("Exact, by path, through every optimiser, order of play and number of steps", arguments: 0..<4)
    func exactTerms(_ optimizers: Int) throws {
        for simultaneous in [true, false] {
            for innerSteps in 1...3 {
                var problem = QuadraticProblem(simultaneous: simultaneous, innerSteps: innerSteps)
                (problem.weights, problem.game) = Self.optimizers[optimizers]
                let what: Comment =
                    "optimisers \(optimizers), simultaneous \(simultaneous), K = \(innerSteps)"
                let expected = problem.terms()
                try expect(exact(problem), expected, 1e-9, what)
                // H is there where it reaches G′ within the step, and nowhere else.
                let reaches = !simultaneous || innerSteps > 1
                #expect(expected["h"]!.contains { $0 != 0 } == reaches, what)
                #expect(expected.filter { $0.key != "h" }.values.joined().allSatisfy { abs($0) > 1e-8 }, what)
            }
        }
    }

    @Test("The paper's equations for one plain step, written out")
    func paper() throws {
        let (found, problem) = (try exact(QuadraticProblem()), QuadraticProblem())
        let w2 = try problem.problem(on: backend).solve().point["w2"][0].doubles()
        let a = problem.vector("A")
        let qa = product(problem.matrix("Q"), a.map { [$0] }).map { $0[0] }
        let v = zip(zip(w2, problem.vector("t")), qa).map { $0.0 - $0.1 + $1 }
        let xi = problem.rate
        func term(_ factors: [Matrix], _ rates: Double) -> [Double] {
            factors.reduce([v]) { product($0, $1) }[0].map { $0 * rates }
        }
        let m = problem.matrix
        let expected = [
            "direct": zip(product([w2], m("Q"))[0], a).map(+),
            "w2": term([m("B2")], xi),  // Eq. 14, its terms of second order
            "class_weights": term([m("E"), m("N")], xi),  // Eq. 14, ∇_A l_c
            "w1": term([m("E"), m("M"), m("B1")], xi * xi),  // Eq. 15 times Eq. 16
            "g": term([m("F"), m("Bg")], xi * xi),  // Eq. 17 times Eq. 18, once
            "h": [0, 0, 0],
        ]
        try expect(found, expected, 1e-12, "one plain step")
    }

    @Test("Clipping's factor is differentiated or held constant, as chosen")
    func clipping() throws {
        var problem = QuadraticProblem()
        problem.weights = .sgd(momentum: 0, decay: 0, clip: 0.5)
        let (free, held) = (problem.terms(), problem.terms(holdingClip: true))
        #expect(relativeDistance(free["w2"]!, held["w2"]!) > 1e-2)
        try expect(exact(problem), free, 1e-9, "differentiated")
        try expect(exact(problem, clip: .constant), held, 1e-9, "constant")
    }

    @Test("A gradient of zero gives no NaN: Adam's cold second moment, and the norm that clips")
    func zeroGradients() throws {
        // Both ∇O and its dependence on A vanish in the second coordinate.
        let a = try backend.tensor([0.7, 0.4], [2])
        let kinds: [InnerOptimizer] = [
            InnerOptimizer(.adam(Adam(), .init()), rate: 0.1),
            InnerOptimizer(.sgd(SGD(), .init()), rate: 0.1, clip: 1),
        ]
        for (kind, mask) in zip(kinds, [[1.0, 0], [0.0, 0]]) {
            let mask = try backend.tensor(mask, [2])
            let player = Player(
                name: "w", parameters: [try backend.tensor([0.5, 0.5], [2])], optimizer: kind,
                dependencies: [.architecture]
            ) { point, _ in try (point["w"][0] * point.architecture[0] * mask).sum() }
            let problem = MultilevelProblem(
                architecture: [a], stages: [.level(Level([player]))],
                outer: Objective([.architecture, "w"]) { point, _ in
                    try (point["w"][0].squared() + point.architecture[0]).sum()
                })
            let found = try ExactHypergradient().gradient(of: problem, at: problem.solve(), recording: nil)
            let values = try found.gradient[0].doubles()
            #expect(values.allSatisfy(\.isFinite) && values[1] == 1)
        }
    }

    @Test("Kept paths are computed alone, and the others left out", arguments: QuadraticProblem.paths)
    func onePath(_ path: String) throws {
        let problem = QuadraticProblem(simultaneous: false, innerSteps: 2)
        var settings = ExactHypergradient.Settings()
        (settings.unrollSteps, settings.paths) = (2, [path])
        let found = try gradient(problem, ExactHypergradient(settings))
        #expect(Array(found.terms.keys) == [path])
        try expect(found, problem.terms(), 1e-9, "alone", paths: [path])
    }

    @Test("A path that the problem lacks is zero")
    func absentPath() throws {
        var settings = ExactHypergradient.Settings()
        settings.paths = ["h"]
        let found = try gradient(QuadraticProblem(), ExactHypergradient(settings))
        #expect(try found.gradient[0].doubles() == [0, 0, 0] && found.terms.isEmpty)
    }

    @Test("Finite differences of linear gradients are exact up to rounding")
    func finiteDifference() throws {
        var problem = QuadraticProblem(simultaneous: false, innerSteps: 2)
        (problem.weights, problem.game) = Self.optimizers[1]
        var settings = FiniteDifferenceHypergradient.Settings()
        settings.unrollSteps = 2
        try expect(
            gradient(problem, FiniteDifferenceHypergradient(settings)), problem.terms(), 1e-9,
            "central differences")
    }

    // MARK: Implicit

    private func implicitTerms(_ problem: QuadraticProblem, damping: Double) throws -> [String: [Double]] {
        let built = try problem.problem(on: backend)
        let w2 = try built.solve(innerSteps: problem.innerSteps).point["w2"][0].doubles()
        var decay = damping
        if case .sgd(_, let weightDecay, _) = problem.weights { decay += weightDecay }
        return problem.implicitTerms(w2: w2, damping: decay)
    }

    @Test("Conjugate gradients and GMRES solve each level's system", arguments: [0, 0.3])
    func conjugateGradient(damping: Double) throws {
        var problem = QuadraticProblem()
        // Weight decay is part of what is stationary, in every level here.
        (problem.weights, problem.game) = (
            .sgd(momentum: 0.9, decay: 0.1, clip: nil), .sgd(momentum: 0, decay: 0.1, clip: nil)
        )
        var settings = ConjugateGradientHypergradient.Settings()
        (settings.iterations, settings.tolerance, settings.damping) = (6, 1e-14, damping)
        try expect(
            gradient(problem, ConjugateGradientHypergradient(settings)),
            implicitTerms(problem, damping: damping), 1e-9, "damping \(damping)")
    }

    @Test("The Neumann series converges to the closed form, at its own rate")
    func neumann() throws {
        let problem = QuadraticProblem()
        let expected = try implicitTerms(problem, damping: 0)
        func error(_ iterations: Int) throws -> Double {
            var settings = NeumannHypergradient.Settings()
            (settings.rate, settings.iterations, settings.tolerance) = (0.3, iterations, 0)
            let found = try gradient(problem, NeumannHypergradient(settings))
            return relativeDistance(try found.gradient[0].doubles(), total(expected))
        }
        let errors = try [5, 20, 160].map(error)
        #expect(errors[0] > 10 * errors[1] && errors[1] > 10 * errors[2], "\(errors)")
        #expect(errors[2] < 1e-9, "\(errors)")
    }

    @Test(
        "At the inner optimum K exact steps are the Neumann series of K terms, and tend to the implicit gradient"
    )
    func unrolledToImplicit() throws {
        var problem = QuadraticProblem(innerSteps: 400)
        let optimum = try problem.problem(on: backend).solve(innerSteps: 400).point
        let implicit = total(try implicitTerms(problem, damping: 0))
        var errors: [Double] = []
        for steps in [1, 4, 16, 160] {
            problem.innerSteps = steps
            let start = try problem.problem(on: backend).changed(startingAt: optimum)
            var settings = ExactHypergradient.Settings()
            settings.unrollSteps = steps
            let exact = try ExactHypergradient(settings).gradient(
                of: start, at: start.solve(innerSteps: steps), recording: nil)
            var series = NeumannHypergradient.Settings()
            (series.rate, series.iterations, series.tolerance) = (problem.rate, steps, 0)
            let neumann = try NeumannHypergradient(series).gradient(
                of: start, at: start.solve(innerSteps: steps), recording: nil)
            for path in ["w2", "class_weights"] {
                #expect(
                    relativeDistance(
                        try exact.terms[path]![0].doubles(), try neumann.terms[path]![0].doubles()) < 1e-9,
                    "K = \(steps), \(path)")
            }
            errors.append(relativeDistance(try exact.gradient[0].doubles(), implicit))
        }
        #expect(zip(errors, errors.dropFirst()).allSatisfy { $0 > $1 } && errors.last! < 1e-9, "\(errors)")
    }

    @Test("Where the curvature is negative GMRES takes over from conjugate gradients")
    func indefinite() throws {
        let map = try backend.tensor([1.0, 0.2, 0.2, -2], [2, 2])
        let player = Player(
            name: "w", parameters: [try backend.tensor([0.0, 0], [2, 1])],
            optimizer: InnerOptimizer(.sgd(SGD(), .init()), rate: 0), dependencies: [.architecture]
        ) { point, _ in
            let w = point["w"][0]
            return try (w * map.matmul(w)).sum() * 0.5 - (w * point.architecture[0]).sum()
        }
        let problem = MultilevelProblem(
            architecture: [try backend.tensor([1.0, 2], [2, 1])], stages: [.level(Level([player]))],
            outer: Objective(["w"]) { point, _ in
                try (point["w"][0] * map.backend.tensor([1.0, 3], [2, 1])).sum()
            })
        let found = try ConjugateGradientHypergradient().gradient(
            of: problem, at: problem.solve(), recording: nil)
        let expected = solved([[1, 0.2], [0.2, -2]], [[1], [3]]).flatMap(\.self)
        #expect(relativeDistance(try found.gradient[0].doubles(), expected) < 1e-12)
    }

    private func total(_ terms: [String: [Double]]) -> [Double] {
        terms.values.reduce([Double](repeating: 0, count: QuadraticProblem.size)) { zip($0, $1).map(+) }
    }
}

/// ‖a − b‖/‖b‖; for b = 0 the norm of a.
func relativeDistance(_ a: [Double], _ b: [Double]) -> Double {
    func norm(_ x: [Double]) -> Double { x.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    let distance = norm(zip(a, b).map { $0 - $1 })
    return norm(b) == 0 ? distance : distance / norm(b)
}
