import Multilevel
import NeuralNetworks
import TensorEngine

extension ComponentCheck {
    mutating func check(_ hypergradient: any Hypergradient, _ bench: Bench) {
        attempt("a quadratic problem") { try $0.checkQuadratic(hypergradient, bench) }
    }

    private mutating func checkQuadratic(_ hypergradient: any Hypergradient, _ bench: Bench) throws {
        func gradient(_ problem: QuadraticProblem, on backend: any Backend) throws -> OuterGradient {
            let problem = try problem.problem(on: backend)
            let solution =
                hypergradient.differentiatesSteps ? try problem.solve() : try problem.unstepped()
            return try hypergradient.gradient(of: problem, at: solution)
        }
        let whole = QuadraticProblem()
        let found = try gradient(whole, on: bench.backend)
        expect("how many tensors the gradient has", found.gradient.count, equals: 1)
        guard found.gradient.count == 1 else { return }
        try expect("the gradient", found.gradient[0], shape: [QuadraticProblem.size])
        expect(found.value.isFinite, "the outer objective", found: "\(found.value)", expected: "a number")
        let known = Set(["direct", "w"])
        expect(
            known.isSuperset(of: found.terms.keys), "the terms", found: "\(found.terms.keys.sorted())",
            expected: "some of \(known.sorted())")
        let truth = try whole.gradient(on: bench.backend)
        let inner = try found.gradient.inner([truth])
        expect(
            inner > 0, "the gradient's direction",
            found: "\(inner) along the gradient of the solved problem", expected: "an ascent")
        expectReproducible("the gradient", bench) { try gradient(whole, on: $0).gradient }

        // Where the level does not depend on A, only the outer objective's own dependence is left.
        let direct = QuadraticProblem(levelDepends: false)
        let alone = try gradient(direct, on: bench.backend).gradient
        let distance = try alone.adding([direct.gradient(on: bench.backend)], times: -1).norm()
        expect(
            distance <= 1e-6, "the gradient where no level depends on A", found: "\(distance) off",
            expected: "the outer objective's own")
        let nothing = QuadraticProblem(levelDepends: false, outerDepends: false)
        let zero = try gradient(nothing, on: bench.backend).gradient.norm()
        expect(
            zero == 0, "the gradient where nothing depends on A", found: "the norm \(zero)", expected: "0")
    }
}

/// w descends ½(w − A)ᵀD(w − A), A descends ½‖w − t‖² + ½‖A − s‖²: well conditioned, solved by w = A.
private struct QuadraticProblem {
    static let size = 3
    var levelDepends = true
    var outerDepends = true

    func architecture(on backend: any Backend) throws -> Tensor { try backend.tensor([0.4, -0.3, 0.7], [3]) }
    private func curvature(on backend: any Backend) throws -> Tensor {
        try backend.tensor([0.8, 1, 1.2], [3])
    }
    private func target(on backend: any Backend) throws -> Tensor {
        try backend.tensor([1.0, 0.2, -0.5], [3])
    }
    private func prior(on backend: any Backend) throws -> Tensor { try backend.tensor([0.9, -1, 0.1], [3]) }

    /// dA of the outer objective at the solved level.
    func gradient(on backend: any Backend) throws -> Tensor {
        let a = try architecture(on: backend)
        let direct = outerDepends ? try a - prior(on: backend) : try a * 0
        return levelDepends ? try direct + (a - target(on: backend)) : direct
    }

    func problem(on backend: any Backend) throws -> MultilevelProblem {
        let a = try architecture(on: backend)
        let (curvature, target, prior) = (
            try curvature(on: backend), try target(on: backend), try prior(on: backend)
        )
        let (levelDepends, outerDepends) = (levelDepends, outerDepends)
        let player = Player(
            "w", parameters: [a], descent: DescentStep(SGD(), rate: 0.2),
            dependencies: levelDepends ? [.architecture] : []
        ) { values in
            let center = levelDepends ? values.architecture[0] : a
            return Evaluation(try ((values["w"][0] - center).squared() * curvature).sum() * 0.5)
        }
        return MultilevelProblem(
            architecture: [a], stages: [.level(Level([player]))],
            outer: Objective((outerDepends ? [.architecture] : []) + ["w"]) { values in
                var loss = try (values["w"][0] - target).squared().sum() * 0.5
                if outerDepends {
                    loss = try loss + (values.architecture[0] - prior).squared().sum() * 0.5
                }
                return Evaluation(loss)
            })
    }
}
