import Multilevel
import NeuralNetworks
import SearchTesting
import TensorEngine

/// One step of a tiny search, its second.
func tinyProblem(_ dtype: DType) throws -> MultilevelProblem {
    let search = try TinySearch(on: backend) {
        $0.dtype = dtype
        $0.augmentation = .none
    }
    return try search.problem(search.run(1)[0])
}

/// Ridge logistic regression whose penalties, one a feature, are the upper variables: at weights after so many steps, with a
/// level of others; and the rate of its inner steps. A problem of two levels that has nothing to do with LFM-CW.
func regression(after innerSteps: Int) throws -> (problem: (_ steps: Int) throws -> MultilevelProblem, rate: Double) {
    let (features, classes, rate) = (10, 3, 0.5)
    func examples(_ label: String) throws -> (x: Tensor, y: Tensor) {
        let stream = RandomStream(seed: 5, label)
        let labels = (0..<60).map { Int32(stream.integer(below: classes, at: UInt64($0))) }
        let y = try backend.tensor(labels, [60])
        let means = backend.normal([classes, features], .float64, from: RandomStream(seed: 5, "means"))
        return (try backend.normal([60, features], .float64, from: stream) * 1.5 + means.rows(at: y), y)
    }
    let (training, validation) = (try examples("training"), try examples("validation"))
    func problem(_ weights: Tensor, steps: Int) throws -> MultilevelProblem {
        let player = Player(
            "weights", parameters: [weights], descent: DescentStep(SGD(), rate: rate),
            dependencies: [.architecture]
        ) { values in
            let w = values["weights"][0]
            let penalty = try (values.architecture[0].exp() * w.squared()).sum() * 0.5
            return Evaluation(try training.x.matmul(w).crossEntropy(training.y) + penalty)
        }
        return MultilevelProblem(
            architecture: [backend.full(-2.5, [features, 1], .float64)],
            stages: [.level(Level([player], steps: steps))],
            outer: Objective(["weights"]) { values in
                Evaluation(try validation.x.matmul(values["weights"][0]).crossEntropy(validation.y))
            })
    }
    let start = try backend.zeros([features, classes], .float64)
    let weights = try problem(start, steps: innerSteps).solve().values["weights"][0]
    return ({ try problem(weights, steps: $0) }, rate)
}
