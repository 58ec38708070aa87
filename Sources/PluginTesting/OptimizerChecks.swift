import ErrataCore
import NeuralNetworks
import TensorEngine

extension ComponentCheck {
    mutating func check(_ optimizer: any Optimizer, _ bench: Bench) {
        let slots = optimizer.slots
        expect("different names of slots", Set(slots).count, equals: slots.count)
        expect(
            slots.allSatisfy { !$0.isEmpty && !$0.contains("/") }, "names of slots", found: "\(slots)",
            expected: "names without '/'")
        expect(
            optimizer.weightDecay >= 0, "weight decay", found: "\(optimizer.weightDecay)",
            expected: "at least 0")
        attempt("the slots") { check in
            let x = try bench.normal([3], "parameter", on: bench.backend)
            let after = try optimizer.step(
                x, gradient: x, slots: slots.map { _ in nil }, rate: 0.01, count: 0)
            check.expect("the slots after a step", after.slots.count, equals: slots.count)
            for slot in after.slots { try check.expect("a slot", slot, shape: x.shape) }
            try check.expect("the parameter after a step", after.parameter, shape: x.shape)
        }
        guard failures.isEmpty else { return }
        attempt("descent of a quadratic") { try $0.checkDescent(optimizer, bench) }
        attempt("the step") { try $0.checkStep(optimizer, bench) }
    }

    private mutating func checkDescent(_ optimizer: any Optimizer, _ bench: Bench) throws {
        func run(_ steps: Int, from model: Model, on backend: any Backend) throws -> Model {
            var model = model
            let factors = try curvatures(backend)
            for _ in 0..<steps {
                let gradients = try model.state.parameters.map { try $0 * factors }
                (model.state.parameters, model.optimizer) = try optimizer.step(
                    model.state.parameters, gradients: gradients, state: model.optimizer, rate: 0.02)
            }
            return model
        }
        func start(on backend: any Backend) throws -> Model {
            let builder = LayoutBuilder()
            _ = builder.root.parameter("x", [3], .zeros)
            return Model(
                layout: builder.layout,
                state: ModelState(parameters: [try backend.tensor([1.0, -1, 0.8], [3])], buffers: []))
        }
        func value(_ model: Model) throws -> Double {
            let x = model.state.parameters[0]
            return try (x.squared() * curvatures(bench.backend)).sum().item() / 2
        }
        let first = try start(on: bench.backend)
        let early = try run(3, from: first, on: bench.backend)
        let late = try run(100, from: early, on: bench.backend)
        let (before, after) = (try value(first), try value(late))
        expect(
            after < before, "descent of a quadratic, 103 steps at the rate 0.02", found: "\(after)",
            expected: "less than the first \(before)")
        expectReproducible("steps", bench) { try run(5, from: start(on: $0), on: $0).tensors }
        if let read = checkCheckpoint("the state's checkpoint", early, optimizer, bench) {
            expect(
                try run(3, from: read, on: bench.backend).tensors.bits()
                    == run(3, from: early, on: bench.backend).tensors.bits(),
                "steps after a checkpoint", found: "other values", expected: "the same bits")
        }
    }

    /// A step in the parameter, its gradient and the slots is differentiable: what hypergradients go through.
    private mutating func checkStep(_ optimizer: any Optimizer, _ bench: Bench) throws {
        let x = try bench.normal([3], "parameter", on: bench.backend)
        let gradient = try bench.normal([3], "gradient", on: bench.backend)
        var slots = try optimizer.step(
            x, gradient: gradient, slots: optimizer.slots.map { _ in nil }, rate: 0.1, count: 0
        ).slots
        slots = try optimizer.step(x, gradient: gradient * 0.7 + 0.1, slots: slots, rate: 0.1, count: 1).slots
        let factors = try (0...slots.count).map { try bench.normal([3], "factor \($0)", on: bench.backend) }
        for count in [0, 2] {
            let kept = count == 0 ? [] : slots
            let function = ScalarFunction(
                names: ["the parameter", "the gradient"] + (count == 0 ? [] : optimizer.slots),
                point: [x, gradient] + kept
            ) { values in
                let before = count == 0 ? slots.map { _ in nil } : values.dropFirst(2).map(Optional.some)
                let after = try optimizer.step(
                    values[0], gradient: values[1], slots: before, rate: 0.1, count: count)
                let terms = try zip([after.parameter] + after.slots, factors).map { try ($0 * $1).sum() }
                return try terms.dropFirst().reduce(terms[0]) { try $0 + $1 }
            }
            let when = count == 0 ? "the first step" : "a later step"
            checkDerivatives(when, of: function, bench)
            checkReached("gradients through \(when)", of: function)
        }
    }
}

/// Of a quadratic: half the squares of x, each times its own.
private func curvatures(_ backend: any Backend) throws -> Tensor { try backend.tensor([0.5, 1, 2.0], [3]) }
