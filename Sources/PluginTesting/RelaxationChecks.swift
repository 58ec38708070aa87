import ErrataCore
import NeuralNetworks
import TensorEngine

extension ComponentCheck {
    mutating func check(_ relaxation: any Relaxation, _ bench: Bench) {
        let names = [
            "none", "skip_connect", "max_pool_3x3", "avg_pool_3x3", "sep_conv_3x3", "dil_conv_3x3",
        ]
        let candidates = Array(repeating: names, count: 3)
        let shape: Shape = [candidates.count, names.count]
        func alpha(on backend: any Backend) throws -> Tensor { try bench.normal(shape, "alpha", on: backend) }
        for purpose in PassPurpose.allCases {
            let pass = RelaxationPass(purpose, time: bench.time, random: bench.random("pass"))
            let property = "the weights of a pass of \(purpose)"
            attempt(property) { check in
                let alpha = try alpha(on: bench.backend)
                let factors = try bench.normal(shape, "factors", on: bench.backend)
                let found = try relaxation.weights(alpha, of: candidates, in: pass)
                try check.expect(property, found.weights, shape: shape)
                check.expectConsistent(property, found, try found.weights.doubles())
                let surrogate = ScalarFunction(names: ["A"], point: [alpha]) {
                    try (relaxation.surrogate($0[0], of: candidates, in: pass) * factors).sum()
                }
                check.checkDerivatives(property, of: surrogate, bench)
                func gradient(_ compute: (Tensor) throws -> Tensor) throws -> [Tensor] {
                    let variable = alpha.variable
                    return try gradients(
                        of: (compute(variable) * factors).sum(), withRespectTo: [variable])
                }
                check.expect(
                    try gradient { try relaxation.weights($0, of: candidates, in: pass).weights }.bits()
                        == gradient { try relaxation.surrogate($0, of: candidates, in: pass) }.bits(),
                    "the gradient of \(property)", found: "another one than the surrogate's",
                    expected: "the surrogate's")
            }
            expectReproducible(property, bench) {
                [try relaxation.weights(alpha(on: $0), of: candidates, in: pass).weights]
            }
        }
        attempt("strengths") { check in
            let strengths = try relaxation.strengths(alpha(on: bench.backend))
            try check.expect("strengths", strengths, shape: shape)
            let negative = try strengths.doubles().filter { $0 < 0 }
            check.expect(
                negative.isEmpty, "strengths", found: "\(negative.first ?? 0)", expected: "nothing negative")
        }
        attempt("the penalty") { check in
            let alphas = [try alpha(on: bench.backend), try bench.normal(shape, "other", on: bench.backend)]
            guard try relaxation.penalty(alphas, at: bench.time) != nil else { return }
            let penalty = ScalarFunction(names: ["A", "A's other part"], point: alphas) {
                try relaxation.penalty($0, at: bench.time) ?? $0[0].backend.zeros(.scalar, .float64)
            }
            check.checkDerivatives("the penalty", of: penalty, bench)
        }
        for name in names { check(relaxation.transformation(of: name), of: name, bench) }
    }

    /// That what does not run weighs nothing.
    private mutating func expectConsistent(
        _ property: String, _ found: RelaxedWeights, _ weights: [Double]
    ) {
        guard let runs = found.runs else { return }
        expect(
            "what runs of \(property)", runs.map(\.count),
            equals: .init(repeating: found.weights.shape[1], count: found.weights.shape[0]))
        let wrong = zip(runs.flatMap(\.self), weights).filter { !$0 && $1 != 0 }
        expect(
            wrong.isEmpty, "\(property), of what does not run", found: "\(wrong.first?.1 ?? 0)",
            expected: "0")
    }

    private mutating func check(_ change: Relaxation.Transformation?, of name: String, _ bench: Bench) {
        guard let change else { return }
        let property = "the output of '\(name)'"
        let shape: Shape = [bench.count, 4, 4, 2]
        let context = ForwardContext(
            ModelState(parameters: [], buffers: []), time: bench.time, random: bench.random("masks"))
        func output(on backend: any Backend) throws -> Tensor {
            try change(bench.normal(shape, "output", on: backend), context)
        }
        attempt(property) { check in
            try check.expect(property, output(on: bench.backend), shape: shape)
            let factors = try bench.normal(shape, "factors", on: bench.backend)
            let function = ScalarFunction(
                names: ["the output"], point: [try bench.normal(shape, "output", on: bench.backend)]
            ) { try (change($0[0], context) * factors).sum() }
            check.checkDerivatives(property, of: function, bench)
        }
        expectReproducible(property, bench) { [try output(on: $0)] }
    }
}
