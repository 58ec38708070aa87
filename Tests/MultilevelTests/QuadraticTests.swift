import CPUEngine
import Multilevel
import MultilevelTesting
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
        return try method.gradient(of: built, at: built.solve())
    }

    private func exact(_ problem: QuadraticProblem, clip: ClipTreatment = .differentiated) throws
        -> OuterGradient
    {
        var method = ExactHypergradient()
        method.clip = clip
        return try gradient(problem, method)
    }

    private static let optimizers: [(weights: QuadraticProblem.Rule, game: QuadraticProblem.Rule)] =
        [
            (.sgd(), .sgd()),
            (.sgd(momentum: 0.9, decay: 0.1), .adam(epsilon: 1e-8, isWarm: true)),
            (.sgd(momentum: 0.9, decay: 0.1, clip: 0.5), .adam(epsilon: 0.1, isWarm: false)),
            (.adam(epsilon: 0.1, isWarm: false), .adam(epsilon: 0.1, isWarm: true)),
            (.rmsprop(decay: 0.1, isWarm: true), .rmsprop(decay: 0, isWarm: false)),
            (.adamW(decay: 0.2), .adamW(decay: 0.1)),
        ]

    @Test(
        "Exact, by path, through every optimiser, order of play and number of steps",
        arguments: optimizers.indices)
    func exactTerms(_ optimizers: Int) throws {
        for isSimultaneous in [true, false] {
            for steps in 1...3 {
                var problem = QuadraticProblem(
                    isSimultaneous: isSimultaneous, steps: .init(w1: steps, game: steps, w2: steps))
                (problem.weights, problem.game) = Self.optimizers[optimizers]
                let what: Comment =
                    "optimisers \(optimizers), simultaneous \(isSimultaneous), K = \(steps)"
                let expected = problem.terms()
                try expect(exact(problem), expected, 1e-9, what)
                // H is there where it reaches G′ within the step, and nowhere else.
                let reaches = !isSimultaneous || steps > 1
                #expect(expected["h"]!.contains { $0 != 0 } == reaches, what)
                #expect(expected.filter { $0.key != "h" }.values.joined().allSatisfy { abs($0) > 1e-8 }, what)
            }
        }
    }

    // MARK: Forms of problems

    private static let forms: [(name: String, change: @Sendable (inout QuadraticProblem) -> Void)] = [
        ("a number of steps of each level's own", { $0.steps = .init(w1: 2, game: 3, w2: 4) }),
        ("a critic of three steps", { $0.playerSteps = ["h": 3] }),
        ("a critic that moves last", { $0.playerSteps = ["g": 3, "w2": 2] }),
        (
            "steps that differ by their occasion",
            {
                ($0.steps, $0.playerSteps) = (.init(w1: 2, game: 2, w2: 2), ["h": 3, "w2": 2])
                $0.variation = .occasion
            }
        ),
        ("accumulated parts", { ($0.accumulation, $0.variation) = (2, .occasion) }),
        (
            "buffers that each evaluation moves",
            {
                $0.playerSteps = ["h": 2]
                ($0.accumulation, $0.variation) = (2, .buffer)
            }
        ),
        ("a moving average", { $0.averageDecay = 0.6 }),
        ("a coupling that is not differentiated", { $0.isCouplingDifferentiable = false }),
        (
            "all of these",
            {
                ($0.steps, $0.playerSteps) = (.init(w1: 3, game: 2, w2: 2), ["h": 3, "w1": 2])
                ($0.accumulation, $0.variation) = (3, .occasion)
                ($0.averageDecay, $0.isCouplingDifferentiable) = (0.3, false)
            }
        ),
    ]

    @Test(
        "Steps, exact gradients and central differences of problems of every form", arguments: forms.indices)
    func everyForm(_ form: Int) throws {
        for (optimizers, isSimultaneous) in [
            (0, true), (1, false), (2, true), (2, false), (4, true), (5, false),
        ] {
            var plain = QuadraticProblem(
                isSimultaneous: isSimultaneous, steps: .init(w1: 1, game: 2, w2: 1))
            (plain.weights, plain.game) = Self.optimizers[optimizers]
            var problem = plain
            Self.forms[form].change(&problem)
            let what: Comment =
                "\(Self.forms[form].name), optimisers \(optimizers), simultaneous \(isSimultaneous)"
            let solution = try problem.problem(on: backend).solve()
            for (player, expected) in problem.solution() {
                let found = try solution.values[ValueID(player)][0].doubles()
                #expect(relativeDistance(found, expected) < 1e-12, "\(what.rawValue), \(player)")
            }
            let expected = problem.terms()
            #expect(relativeDistance(total(expected), total(plain.terms())) > 1e-5, what)
            try expect(exact(problem), expected, 1e-9, what)
            try expect(gradient(problem, FiniteDifferenceHypergradient()), expected, 1e-9, what)
        }
    }

    @Test("The paper's equations for one plain step, written out")
    func paper() throws {
        let (found, problem) = (try exact(QuadraticProblem()), QuadraticProblem())
        let w2 = try problem.problem(on: backend).solve().values["w2"][0].doubles()
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
        problem.weights = .sgd(clip: 0.5)
        let (free, held) = (problem.terms(), problem.terms(holdingClip: true))
        #expect(relativeDistance(free["w2"]!, held["w2"]!) > 1e-2)
        try expect(exact(problem), free, 1e-9, "differentiated")
        try expect(exact(problem, clip: .constant), held, 1e-9, "constant")
        var differences = FiniteDifferenceHypergradient()
        differences.clip = .constant
        try expect(gradient(problem, differences), held, 1e-9, "constant, by differences")
    }

    @Test("Without clipping a problem's steps are those of players that never clipped")
    func unclipped() throws {
        var problem = QuadraticProblem(steps: .init(w1: 2, game: 2, w2: 2))
        (problem.accumulation, problem.variation) = (2, .buffer)
        problem.playerSteps = ["h": 2]
        let free = try problem.problem(on: backend).solve()
        (problem.weights, problem.game) = (.sgd(clip: 0.1), .sgd(clip: 0.1))
        let clipped = try problem.problem(on: backend)
        for player in QuadraticProblem.players.map({ ValueID($0) }) {
            let expected = try free.values[player][0].doubles()
            #expect(try clipped.unclipped.solve().values[player][0].doubles() == expected)
            #expect(try clipped.solve().values[player][0].doubles() != expected)
        }
    }

    @Test("A gradient of zero gives no NaN: Adam's cold second moment, and the norm that clips")
    func zeroGradients() throws {
        // Both ∇O and its dependence on A vanish in the second coordinate.
        let a = try backend.tensor([0.7, 0.4], [2])
        let kinds = [DescentStep(Adam(), rate: 0.1), DescentStep(SGD(), rate: 0.1, clip: 1)]
        for (kind, mask) in zip(kinds, [[1.0, 0], [0.0, 0]]) {
            let mask = try backend.tensor(mask, [2])
            let player = Player(
                "w", parameters: [try backend.tensor([0.5, 0.5], [2])], descent: kind,
                dependencies: [.architecture]
            ) { Evaluation(try ($0["w"][0] * $0.architecture[0] * mask).sum()) }
            let problem = MultilevelProblem(
                architecture: [a], stages: [.level(Level([player]))],
                outer: Objective([.architecture, "w"]) {
                    Evaluation(try ($0["w"][0].squared() + $0.architecture[0]).sum())
                })
            let found = try ExactHypergradient().gradient(of: problem, at: problem.solve())
            let values = try found.gradient[0].doubles()
            #expect(values.allSatisfy(\.isFinite) && values[1] == 1)
        }
    }

    // MARK: Paths

    @Test("Kept paths are computed alone, and the others left out", arguments: QuadraticProblem.paths)
    func onePath(_ path: String) throws {
        var problem = QuadraticProblem(isSimultaneous: false, steps: .init(w1: 2, game: 2, w2: 2))
        problem.playerSteps = ["h": 2]
        var (exact, differences) = (ExactHypergradient(), FiniteDifferenceHypergradient())
        (exact.paths, differences.paths) = ([path], [path])
        for method: any Hypergradient in [exact, differences] {
            let found = try gradient(problem, method)
            #expect(Array(found.terms.keys) == [path])
            try expect(found, problem.terms(), 1e-9, "alone", paths: [path])
        }
        var (solver, series) = (ConjugateGradientHypergradient(), NeumannHypergradient())
        (solver.paths, series.paths) = ([path], [path])
        for method: any Hypergradient in [solver, series] {
            #expect(try Array(gradient(problem, method).terms.keys) == [path])
        }
    }

    @Test("A path that the problem lacks is zero")
    func absentPath() throws {
        var method = ExactHypergradient()
        method.paths = ["h"]
        let found = try gradient(QuadraticProblem(), method)
        #expect(try found.gradient[0].doubles() == [0, 0, 0] && found.terms.isEmpty)
    }

    @Test("First order is the direct term, wherever the steps went")
    func firstOrder() throws {
        let problem = QuadraticProblem(steps: .init(w1: 1, game: 1, w2: 3))
        let direct = try #require(problem.terms()["direct"])
        let found = try gradient(problem, FirstOrderHypergradient())
        try expect(found, ["direct": direct], 1e-12, "first order", paths: ["direct"])
        #expect(!FirstOrderHypergradient().differentiatesSteps && ExactHypergradient().differentiatesSteps)
    }

    // MARK: Implicit

    private func implicitTerms(_ problem: QuadraticProblem, damping: Double) throws -> [String: [Double]] {
        let w2 = try problem.problem(on: backend).solve().values["w2"][0].doubles()
        return problem.implicitTerms(w2: w2, damping: damping)
    }

    private func solver(damping: Double = 0) -> ConjugateGradientHypergradient {
        var method = ConjugateGradientHypergradient()
        method.stopping = StoppingRule(iterations: 6, tolerance: 1e-14)
        method.damping = damping
        return method
    }

    @Test("Conjugate gradients and GMRES solve each level's system", arguments: [0, 0.3])
    func conjugateGradient(damping: Double) throws {
        var problem = QuadraticProblem()
        // Weight decay is part of what is stationary, in every level here.
        (problem.weights, problem.game) = (.sgd(momentum: 0.9, decay: 0.1), .sgd(decay: 0.1))
        try expect(
            gradient(problem, solver(damping: damping)), implicitTerms(problem, damping: damping), 1e-9,
            "damping \(damping)")
    }

    @Test(
        "The decay that an optimiser adds to the gradient is part of what is stationary, whatever the optimiser"
    )
    func anyDecay() throws {
        var problem = QuadraticProblem()
        (problem.weights, problem.game) = (.rmsprop(decay: 0.4, isWarm: false), .adamW(decay: 0.4))
        let expected = try implicitTerms(problem, damping: 0)
        try expect(gradient(problem, solver()), expected, 1e-9, "RMSprop's decay, not AdamW's")
        problem.weights = .rmsprop(decay: 0, isWarm: false)
        #expect(try relativeDistance(total(implicitTerms(problem, damping: 0)), total(expected)) > 1e-2)
    }

    @Test("Implicit gradients are of the mean over the parts of the last step, and pass an average")
    func implicitForms() throws {
        var problem = QuadraticProblem(steps: .init(w1: 2, game: 2, w2: 1))
        (problem.accumulation, problem.variation, problem.playerSteps) = (2, .occasion, ["h": 2])
        let plain = try implicitTerms(problem, damping: 0)
        try expect(gradient(problem, solver()), plain, 1e-9, "accumulated")
        problem.variation = .buffer
        try expect(gradient(problem, solver()), plain, 1e-9, "accumulated, by buffers")
        problem.averageDecay = 0.6
        problem.isCouplingDifferentiable = false
        let expected = try implicitTerms(problem, damping: 0)
        #expect(relativeDistance(total(expected), total(plain)) > 1e-2)
        try expect(gradient(problem, solver()), expected, 1e-9, "with an average")
    }

    @Test("The Neumann series converges to the closed form, at its own rate")
    func neumann() throws {
        let problem = QuadraticProblem()
        func error(_ iterations: Int, damping: Double = 0) throws -> Double {
            var method = NeumannHypergradient()
            (method.rate, method.damping) = (0.3, damping)
            method.stopping = StoppingRule(iterations: iterations, tolerance: 0)
            return try relativeDistance(
                gradient(problem, method).gradient[0].doubles(),
                total(implicitTerms(problem, damping: damping)))
        }
        let errors = try [5, 20, 160].map { try error($0) }
        #expect(errors[0] > 10 * errors[1] && errors[1] > 10 * errors[2], "\(errors)")
        #expect(errors[2] < 1e-9, "\(errors)")
        #expect(try error(160, damping: 0.3) < 1e-9)
    }

    @Test(
        "At the inner optimum K exact steps are the Neumann series of K terms, and tend to the implicit gradient"
    )
    func unrolledToImplicit() throws {
        var problem = QuadraticProblem(steps: .init(w1: 400, game: 400, w2: 400))
        let optimum = try problem.problem(on: backend).solve().values
        let implicit = total(try implicitTerms(problem, damping: 0))
        var errors: [Double] = []
        for steps in [1, 4, 16, 160] {
            problem.steps = .init(w1: steps, game: steps, w2: steps)
            let start = try problem.problem(on: backend).changed(startingAt: optimum)
            let exact = try ExactHypergradient().gradient(of: start, at: start.solve())
            var series = NeumannHypergradient()
            series.rate = problem.rate
            series.stopping = StoppingRule(iterations: steps, tolerance: 0)
            let neumann = try series.gradient(of: start, at: start.solve())
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
            "w", parameters: [try backend.tensor([0.0, 0], [2, 1])], descent: DescentStep(SGD(), rate: 0),
            dependencies: [.architecture]
        ) {
            let w = $0["w"][0]
            return Evaluation(try (w * map.matmul(w)).sum() * 0.5 - (w * $0.architecture[0]).sum())
        }
        let problem = MultilevelProblem(
            architecture: [try backend.tensor([1.0, 2], [2, 1])], stages: [.level(Level([player]))],
            outer: Objective(["w"]) {
                Evaluation(try ($0["w"][0] * map.backend.tensor([1.0, 3], [2, 1])).sum())
            })
        let found = try ConjugateGradientHypergradient().gradient(of: problem, at: problem.solve())
        let expected = solved([[1, 0.2], [0.2, -2]], [[1], [3]]).flatMap(\.self)
        #expect(relativeDistance(try found.gradient[0].doubles(), expected) < 1e-12)
    }

    private func total(_ terms: [String: [Double]]) -> [Double] {
        terms.values.reduce([Double](repeating: 0, count: QuadraticProblem.size)) { zip($0, $1).map(+) }
    }
}
