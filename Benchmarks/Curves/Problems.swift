import DARTS
import DCGAN
import Datasets
import ErrataCore
import NeuralNetworks
import TensorEngine

/// One step of a tiny learner, second of a search.
func tinyProblem(_ dtype: DType) throws -> MultilevelProblem {
    let images = ImageSpecification(height: 8, width: 8, channels: 1, classes: 3)
    var space = DARTSConfiguration()
    (space.channels, space.cells, space.nodes) = (2, 3, 2)
    let searchSpace = DARTSSearchSpace(space)
    let supernet = try searchSpace.supernet(for: images)
    var gan = DCGANConfiguration()
    (gan.noise, gan.embedding, gan.channels) = (4, 3, 4)
    let learner = Learner(
        LearnerSettings(), space: searchSpace, supernet: supernet,
        generator: try DCGANGenerator(gan, for: images, backbone: supernet.backbone),
        weighter: ValidationLossWeighter(), hypergradient: FirstOrderHypergradient(), images: images,
        range: ChannelMap(scale: [1], offset: [0]), augmentation: .none, epochs: 4, seed: 7)
    func batch(_ label: String, _ step: Int) throws -> Batch {
        let labels: [Int32] = [0, 1, 2, 1, 0, 2]
        let raw = try backend.normal(
            [labels.count, 8, 8, 1], dtype, from: RandomStream(seed: 3, label, step: UInt64(step))
        ).tanh()
        return Batch(images: raw, originals: raw, labels: try backend.tensor(labels, [labels.count]))
    }
    func batches(_ step: Int) throws -> Learner.Batches {
        .init(training: try batch("training", step), validation: try batch("validation", step))
    }
    var state = try learner.initialState(on: backend, dtype)
    _ = try learner.step(&state, on: batches(0), epoch: 0)
    return learner.problem(state, on: try batches(1), epoch: 0)
}

/// Ridge logistic regression whose penalties, one a feature, are the upper variables, after so many steps; and the rate of
/// its inner steps. A problem of two levels that has nothing to do with LFM-CW.
func regression(innerSteps: Int) throws -> (problem: MultilevelProblem, rate: Double) {
    let (features, classes, rate) = (10, 3, 0.5)
    func examples(_ label: String) throws -> (x: Tensor, y: Tensor) {
        let stream = RandomStream(seed: 5, label)
        let labels = (0..<60).map { Int32(stream.integer(below: classes, at: UInt64($0))) }
        let y = try backend.tensor(labels, [60])
        let means = backend.normal([classes, features], .float64, from: RandomStream(seed: 5, "means"))
        return (try backend.normal([60, features], .float64, from: stream) * 1.5 + means.rows(at: y), y)
    }
    let (training, validation) = (try examples("training"), try examples("validation"))
    func problem(_ weights: Tensor) -> MultilevelProblem {
        let player = Player(
            name: "weights", parameters: [weights],
            optimizer: InnerOptimizer(.sgd(SGD(), .init()), rate: rate), dependencies: [.architecture]
        ) { point, _ in
            let w = point["weights"][0]
            let penalty = try (point.architecture[0].exp() * w.squared()).sum() * 0.5
            return try training.x.matmul(w).crossEntropy(training.y) + penalty
        }
        return MultilevelProblem(
            architecture: [backend.full(-2.5, [features, 1], .float64)], stages: [.level(Level([player]))],
            outer: Objective(["weights"]) { point, _ in
                try validation.x.matmul(point["weights"][0]).crossEntropy(validation.y)
            })
    }
    let start = try backend.zeros([features, classes], .float64)
    return (problem(try problem(start).solve(innerSteps: innerSteps).point["weights"][0]), rate)
}
