import CPUEngine
import ErrataCore
import Foundation
import NeuralNetworks
import Synchronization
import TensorEngine
import Testing

@Suite("Hypergradients of the learner")
struct LearnerHypergradientTests {
    private static let paths = ["direct", "class_weights", "w2", "w1", "generator", "discriminator"]

    private func warm(
        as dtype: DType = .float64, weighter: any ClassWeighter = ValidationLossWeighter(),
        _ change: (inout LearnerSettings) -> Void = { _ in }
    ) throws -> MultilevelProblem {
        let backend = try CPUBackend(threads: 1)
        func search(_ dtype: DType) throws -> TinySearch {
            try TinySearch(dtype, weighter: weighter, on: backend) { settings in
                settings.weights.rate = 0.2
                (settings.gan.generatorRate, settings.gan.discriminatorRate) = (0.05, 0.05)
                change(&settings)
            }
        }
        // Warmed in Float64, so that both precisions start from one point.
        let state = try search(.float64).run(2).last!
        let search = try search(dtype)
        return search.learner.problem(try state.cast(to: dtype), on: try search.batches(2), epoch: 0)
    }

    private func gradient(
        _ method: any Hypergradient, _ problem: MultilevelProblem
    ) throws -> OuterGradient {
        try method.gradient(of: problem, at: problem.solve(innerSteps: method.innerSteps), recording: nil)
    }

    private func exact(paths: Set<String>? = nil, steps: Int = 1) -> ExactHypergradient {
        var settings = ExactHypergradient.Settings()
        (settings.paths, settings.unrollSteps) = (paths, steps)
        return ExactHypergradient(settings)
    }

    private func values(_ gradient: [Tensor]) throws -> [Double] { try gradient.flatMap { try $0.doubles() } }

    @Test("At λ = 0 the exact trajectory is that of the second-order search without mistakes, bit for bit")
    func lambdaZero() throws {
        func alphas(_ change: (inout LearnerSettings) -> Void) throws -> [[[Double]]] {
            try TinySearch(hypergradient: exact(), change).run(2).map { try $0.alphas() }
        }
        let off = try alphas { $0.lfm = false }
        #expect(try off == alphas { $0.lambda = 0 })
        #expect(try off.last != alphas { _ in }.last)
        #expect(try off.last != TinySearch { $0.lfm = false }.run(2).last!.alphas())
    }

    @Test("The direct path alone is first order")
    func direct() throws {
        let problem = try warm()
        let solution = try problem.solve()
        let first = try FirstOrderHypergradient().gradient(of: problem, at: solution, recording: nil)
        let direct = try exact(paths: ["direct"]).gradient(of: problem, at: solution, recording: nil)
        #expect(try values(direct.gradient) == values(first.gradient))
    }

    @Test("Cells computed again give the same gradient in less memory")
    func checkpointing() throws {
        let search = try TinySearch()
        // A batch whose images take more memory than the weights do.
        let labels = (0..<96).map { Int32($0 % 3) }
        let batch = try search.batch("large", 0, labels: labels)
        let problem = search.learner.problem(
            try search.initialState(), on: .init(training: batch, validation: batch), epoch: 0)
        let solution = try problem.solve()
        func measured(_ checkpointing: Bool) throws -> (gradient: [Double], peak: Int) {
            var settings = ExactHypergradient.Settings()
            settings.checkpointing = checkpointing
            search.backend.resetPeakMemory()
            let found = try ExactHypergradient(settings).gradient(of: problem, at: solution, recording: nil)
            return (try values(found.gradient), search.backend.memory.peak)
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
            _ = try exact(paths: paths).gradient(of: watched, at: solution, recording: nil)
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
            try counts(warm { $0.ganUpdate = .alternating }, nil)
                == all.merging(["discriminator": 1]) { $1 })
        #expect(
            try counts(warm(weighter: UniformWeighter()), nil) == ["direct": 1, "w2": 1, "generator": 1])
        #expect(try counts(warm { $0.lambda = 0 }, nil) == ["direct": 1, "w2": 1])
    }

    @Test("Float32 agrees with Float64 path by path")
    func singlePrecision() throws {
        let problem = try warm { $0.ganUpdate = .alternating }
        let double = try gradient(exact(), problem)
        let single = try gradient(exact(), warm(as: .float32) { $0.ganUpdate = .alternating })
        for path in Self.paths {
            let (a, b) = (try values(single.terms[path]!), try values(double.terms[path]!))
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
        let reference = try values(
            exact(paths: ["w2"]).gradient(of: problem, at: solution, recording: nil).gradient)
        func error(_ scale: Double) throws -> Double {
            var settings = FiniteDifferenceHypergradient.Settings()
            (settings.scale, settings.paths) = (scale, ["w2"])
            return relativeDistance(
                try values(
                    FiniteDifferenceHypergradient(settings).gradient(
                        of: problem, at: solution, recording: nil
                    )
                    .gradient), reference)
        }
        let errors = try [1e-1, 1e-5, 1e-12].map(error)
        #expect(errors[0] > 100 * errors[1] && errors[2] > 100 * errors[1] && errors[1] < 1e-6, "\(errors)")
    }

    @Test("The learner takes the steps that are differentiated, each on noise of its own")
    func innerSteps() throws {
        let one = try TinySearch(hypergradient: exact()).run(1)[0]
        let two = try TinySearch(hypergradient: exact(steps: 2)).run(1)[0]
        #expect(try one.everything() != two.everything())
        let search = try TinySearch()
        let problem = search.learner.problem(
            try search.initialState(), on: try search.batches(0), epoch: 0)
        let solution = try problem.solve(innerSteps: 2)
        #expect(solution.steps.allSatisfy { $0.count == 2 })
        for (name, model) in two.players {
            #expect(try values(model.state.parameters) == values(solution.point[name]), "\(name)")
        }
        // The generator's two gradients at one point differ by their noise alone.
        let (first, second) = (solution.steps[1][0][1], solution.steps[1][1][1])
        var point = second.point
        for name in ["generator", "discriminator"] { point[name] = first.point[name] }
        #expect(try first.player.objective(first.point).item() != first.player.objective(point).item())
    }

    @Test(
        "Implicit methods find finite gradients of every path of the learner, near each other where both converge"
    )
    func implicit() throws {
        let problem = try warm()
        let solution = try problem.solve()
        var gradients: [[Double]] = []
        var solver = ConjugateGradientHypergradient.Settings()
        // Damping that makes every Jacobian positive, and a rate for the largest, so that both converge.
        (solver.damping, solver.iterations, solver.tolerance) = (1000, 8, 1e-7)
        var series = NeumannHypergradient.Settings()
        (series.damping, series.rate, series.iterations, series.tolerance) = (1000, 1.0 / 1200, 12, 1e-7)
        let methods: [any Hypergradient] = [
            ConjugateGradientHypergradient(solver), NeumannHypergradient(series),
        ]
        for method in methods {
            let found = try method.gradient(of: problem, at: solution, recording: nil)
            #expect(Set(found.terms.keys) == Set(Self.paths))
            gradients.append(try Self.paths.flatMap { try values(found.terms[$0]!) })
        }
        #expect(relativeDistance(gradients[0], gradients[1]) < 1e-5)
    }
}

/// How often each function of a problem was evaluated.
private final class Evaluations: Sendable {
    private let mutex = Mutex<[String: Int]>([:])
    var counts: [String: Int] { mutex.withLock { $0 } }

    func reset() { mutex.withLock { $0 = [:] } }

    /// The same problem, watched.
    func watching(_ problem: MultilevelProblem) -> MultilevelProblem {
        problem.changed { name, point in
            self.mutex.withLock { $0[name, default: 0] += 1 }
            return point
        }
    }
}

extension LearnerState {
    /// The same state in another precision.
    fileprivate func cast(to dtype: DType) throws -> LearnerState {
        func cast(_ tensors: [Tensor]) throws -> [Tensor] { try tensors.map { try $0.cast(to: dtype) } }
        func cast(_ model: TrainedModel) throws -> TrainedModel {
            let state = ModelState(
                parameters: try cast(model.state.parameters), statistics: try cast(model.state.statistics))
            let rule: InnerOptimizer.Rule =
                switch model.rule {
                case .sgd(let sgd, let state):
                    .sgd(sgd, .init(velocities: try cast(state.velocities)))
                case .adam(let adam, let state):
                    .adam(
                        adam,
                        .init(
                            first: try cast(state.first), second: try cast(state.second), steps: state.steps))
                }
            return TrainedModel(layout: model.layout, state: state, rule: rule)
        }
        var result = self
        result.architecture = try cast(architecture)
        result.players = try players.mapValues(cast)
        return result
    }
}
