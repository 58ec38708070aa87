import ErrataCore
import LFM
import Multilevel
import MultilevelTesting
import NeuralNetworks
import SearchTesting
import Synchronization
import TensorEngine
import Testing

@Suite("Hypergradients of learning from mistakes")
struct LFMHypergradientTests {
    private static let paths = ["direct", "class_weights", "w2", "w1", "generator", "discriminator"]

    /// The third step of a search with large rates.
    private func warm(as dtype: DType = .float64, _ change: (inout TinySearch) -> Void = { _ in }) throws
        -> MultilevelProblem
    {
        var tiny = try TinySearch { tiny in
            tiny.weights.rate = 0.2
            tiny.dcgan.training.generator.rate = 0.05
            tiny.dcgan.training.discriminator.rate = 0.05
            change(&tiny)
        }
        // Warmed in Float64, so that both precisions start from one point.
        let state = try tiny.run(2).last!
        tiny.dtype = dtype
        return try tiny.problem(state.cast(to: dtype))
    }

    private func exact(_ paths: Set<String>? = nil) -> ExactHypergradient {
        var exact = ExactHypergradient()
        exact.paths = paths
        return exact
    }

    private func values(_ gradient: [Tensor]) throws -> [Double] { try gradient.flatMap { try $0.doubles() } }

    @Test("At λ = 0 the exact trajectory is the plain search's of second order, bit for bit")
    func lambdaZero() throws {
        func alphas(_ change: @escaping (inout TinySearch) -> Void) throws -> [[[Double]]] {
            try TinySearch {
                $0.hypergradient = ExactHypergradient()
                change(&$0)
            }.run(2).map { try $0.alphas() }
        }
        let plain = try alphas { $0.bilevel() }
        #expect(try plain == alphas { $0.lfm.lambda = 0 })
        #expect(try plain.last != alphas { _ in }.last)
        #expect(try plain.last != TinySearch { $0.bilevel() }.run(2).last!.alphas())
    }

    @Test("The direct path alone is first order")
    func direct() throws {
        let problem = try warm()
        let solution = try problem.solve()
        let first = try FirstOrderHypergradient().gradient(of: problem, at: solution)
        let direct = try exact(["direct"]).gradient(of: problem, at: solution)
        #expect(try values(direct.gradient) == values(first.gradient))
    }

    @Test("Cells computed again give the same gradient in less memory")
    func checkpointing() throws {
        // A batch whose images take more memory than the weights do.
        let labels = (0..<96).map { Int32($0 % 3) }
        let tiny = try TinySearch { ($0.trainingLabels, $0.validationLabels) = (labels, { _ in labels }) }
        let problem = try tiny.problem(tiny.initialState())
        let solution = try problem.solve()
        func measured(_ checkpointing: Bool) throws -> (gradient: [Double], peak: Int) {
            var exact = ExactHypergradient()
            exact.checkpointing = checkpointing
            tiny.backend.resetPeakMemory()
            let found = try exact.gradient(of: problem, at: solution)
            return (try values(found.gradient), tiny.backend.memory.peak)
        }
        let (kept, again) = (try measured(false), try measured(true))
        #expect(zip(kept.gradient, again.gradient).allSatisfy { abs($0 - $1) <= 1e-12 * max(1, abs($0)) })
        #expect(again.peak < kept.peak)
    }

    @Test("No function is evaluated that no kept path runs through")
    func unneededPasses() throws {
        func counts(_ problem: MultilevelProblem, _ paths: Set<String>?) throws -> [String: Int] {
            let evaluations = Evaluations()
            let watched = evaluations.watching(problem)
            let solution = try watched.solve()
            evaluations.reset()
            _ = try exact(paths).gradient(of: watched, at: solution)
            return evaluations.counts
        }
        let all = ["direct": 1, "w2": 1, "class_weights": 1, "w1": 1, "generator": 1]
        let problem = try warm()
        #expect(try counts(problem, nil) == all)
        #expect(try counts(problem, ["direct"]) == ["direct": 1])
        #expect(try counts(problem, ["w2"]) == ["direct": 1, "w2": 1])
        #expect(try counts(problem, ["generator"]) == ["direct": 1, "w2": 1, "generator": 1])
        #expect(
            try counts(problem, ["class_weights"]) == ["direct": 1, "w2": 1, "class_weights": 1])
        #expect(
            try counts(warm { $0.dcgan.training.order = .alternating }, nil)
                == all.merging(["discriminator": 1]) { $1 })
        #expect(
            try counts(warm { $0.weighter = UniformWeighter() }, nil)
                == ["direct": 1, "w2": 1, "generator": 1])
        #expect(try counts(warm { $0.lfm.lambda = 0 }, nil) == ["direct": 1, "w2": 1])
    }

    @Test("Float32 agrees with Float64 path by path")
    func singlePrecision() throws {
        func terms(_ dtype: DType) throws -> [String: [Tensor]] {
            let problem = try warm(as: dtype) { $0.dcgan.training.order = .alternating }
            return try exact().gradient(of: problem, at: problem.solve()).terms
        }
        let (double, single) = (try terms(.float64), try terms(.float32))
        for path in Self.paths {
            let (a, b) = (try values(single[path]!), try values(double[path]!))
            func inner(_ x: [Double], _ y: [Double]) -> Double { zip(x, y).reduce(0) { $0 + $1.0 * $1.1 } }
            let cosine = inner(a, b) / (inner(a, a) * inner(b, b)).squareRoot()
            #expect(cosine >= 0.999, "\(path): \(cosine)")
        }
    }

    @Test(
        "Finite differences against exact: kinks and truncation on one side of the best ε, rounding on the other"
    )
    func finiteDifferences() throws {
        let problem = try warm()
        let solution = try problem.solve()
        let reference = try values(exact(["w2"]).gradient(of: problem, at: solution).gradient)
        func error(_ scale: Double) throws -> Double {
            var differences = FiniteDifferenceHypergradient()
            (differences.scale, differences.paths) = (scale, ["w2"])
            return relativeDistance(
                try values(differences.gradient(of: problem, at: solution).gradient), reference)
        }
        let errors = try [1e-1, 1e-5, 1e-12].map(error)
        #expect(errors[0] > 100 * errors[1] && errors[2] > 100 * errors[1] && errors[1] < 1e-6, "\(errors)")
    }

    @Test("The search takes the steps that are differentiated, each on noise of its own")
    func levelSteps() throws {
        let tiny = try TinySearch {
            $0.hypergradient = ExactHypergradient()
            ($0.lfm.steps.w1, $0.lfm.steps.game, $0.lfm.steps.w2) = (2, 2, 2)
        }
        let after = try tiny.run(1)[0]
        let solution = try tiny.problem(tiny.initialState()).solve()
        #expect(solution.steps.allSatisfy { $0.count == 2 })
        for (id, model) in after.models {
            #expect(try values(model.state.parameters) == values(solution.values[id]), "\(id)")
        }
        // On one batch, the generator's two gradients at one point differ by their noise alone.
        let shared = try TinySearch {
            $0.lfm.steps.game = 2
            $0.lfm.stepBatches = .shared
        }
        let game = try shared.problem(shared.initialState()).solve().steps[1]
        let (first, second) = (game[0][1].steps[0].parts[0], game[1][1].steps[0].parts[0])
        var values = first
        values.occasion = second.occasion
        let objective = game[0][1].player.objective
        #expect(try objective(first).value.item() != objective(values).value.item())
    }

    @Test(
        "Implicit methods find finite gradients of every path, near each other where both converge"
    )
    func implicit() throws {
        let problem = try warm()
        let solution = try problem.solve()
        var gradients: [[Double]] = []
        // Damping that makes every Jacobian positive, and a rate for the largest, so that both converge.
        var solver = ConjugateGradientHypergradient()
        (solver.damping, solver.stopping) = (1000, StoppingRule(iterations: 8, tolerance: 1e-7))
        var series = NeumannHypergradient()
        (series.damping, series.rate) = (1000, 1.0 / 1200)
        series.stopping = StoppingRule(iterations: 12, tolerance: 1e-7)
        let methods: [any Hypergradient] = [solver, series]
        for method in methods {
            let found = try method.gradient(of: problem, at: solution)
            #expect(Set(found.terms.keys) == Set(Self.paths))
            gradients.append(try Self.paths.flatMap { try values(found.terms[$0]!) })
        }
        #expect(relativeDistance(gradients[0], gradients[1]) < 1e-5)
    }

    @Test("A path that the method does not have is refused, with those that it has")
    func unknownPath() throws {
        let tiny = try TinySearch { $0.hypergradient = exact(["class_weight"]) }
        #expect {
            _ = try tiny.search()
        } throws: { error in
            "\(error)".contains("'class_weight'") && "\(error)".contains("did you mean 'class_weights'?")
                && "\(error)".contains("direct, w2, class_weights, w1, generator, discriminator)")
        }
    }
}

/// How often each function of a problem was evaluated.
private final class Evaluations: Sendable {
    private let mutex = Mutex<[String: Int]>([:])
    var counts: [String: Int] { mutex.withLock { $0 } }

    func reset() { mutex.withLock { $0 = [:] } }

    /// The same problem, watched.
    func watching(_ problem: MultilevelProblem) -> MultilevelProblem {
        problem.changed { name, values in
            self.mutex.withLock { $0[name, default: 0] += 1 }
            return values
        }
    }
}
