import ErrataCore
import TensorEngine

extension ComponentCheck {
    mutating func check(_ weighter: any ClassWeighter, _ bench: Bench) {
        let labels: [Int32] = [0, 2, 1, 2, 0, 0, 2]
        let classes = 5
        var estimates = ClassEstimates(classes: classes)
        // Class 3 was seen before, class 4 never; the batch has neither.
        estimates.update(
            [0.9, 1.1, 0.7, 1.6, 0], counts: [2, 1, 1, 3, 0], momentum: 0.9)
        func logits(on backend: any Backend) throws -> Tensor {
            try bench.normal([labels.count, classes], "logits", on: backend)
        }
        func performance(_ logits: Tensor, labels: [Int32] = labels) throws -> ClassPerformance {
            try ClassPerformance(
                logits: logits, labels: logits.backend.tensor(labels, [labels.count]),
                trainingCounts: [40, 5, 20, 1, 0])
        }
        func weights(_ logits: Tensor, labels: [Int32] = labels, _ estimates: ClassEstimates) throws -> Tensor
        {
            try weighter.weights(performance(logits, labels: labels), estimates: estimates)
        }
        func checkValues(_ property: String, _ weights: Tensor) throws {
            try expect(property, weights, shape: [classes])
            let negative = try weights.doubles().filter { $0 < 0 }
            expect(
                negative.isEmpty, property, found: "\(negative.first ?? 0)", expected: "nothing negative")
        }
        do {
            let logits = try logits(on: bench.backend)
            try expect("measures", weighter.measures(performance(logits)), shape: [classes])
            try checkValues("weights where classes are absent", weights(logits, estimates))
            try checkValues(
                "weights where nothing was seen before",
                weights(logits, ClassEstimates(classes: classes)))
            try checkValues(
                "weights of a batch of one class",
                weights(logits, labels: [Int32](repeating: 1, count: labels.count), estimates))
            let variable = logits.variable
            let factors = try bench.backend.tensor([0.7, -1.2, 0.4, 0.9, -0.5], [classes])
            let function = ScalarFunction(names: ["the logits"], point: [logits]) {
                let weights = try weights($0[0], estimates)
                return try (weights * factors).sum()
            }
            if weighter.isDifferentiable {
                checkDerivatives("the weights", of: function, bench)
                checkReached("gradients of the weights", of: function)
            } else {
                let found = try weights(variable, estimates)
                let gradient =
                    found.isDifferentiable
                    ? try gradients(of: (found * factors).sum(), withRespectTo: [variable])[0].doubles() : []
                expect(
                    gradient.allSatisfy { $0 == 0 }, "gradients of the weights", found: "one in the logits",
                    expected: "none, since the weighter is declared not to be differentiable")
            }
        } catch { fail("weights", found: "the error \"\(error)\"", expected: "none") }
        expectReproducible("weights", bench) { [try weights(logits(on: $0), estimates)] }
    }
}
