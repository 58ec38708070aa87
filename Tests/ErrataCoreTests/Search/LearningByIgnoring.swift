import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// Learning by ignoring (Zhang et al., 2021), a sister of the paper's method, with a weight for each class instead of each
/// example: W learns from training images whose classes may be ignored, V learns from all of them near W, and A and the
/// ignoring variables descend V's validation loss.
struct LearningByIgnoring: SearchMethod {
    let context: MethodContext
    /// γ of γ·‖V − W‖².
    var proximity = 0.1

    var models: [ModelDeclaration] {
        (["w", "v"] as [ValueID]).map {
            ModelDeclaration(
                $0, layout: context.supernet.layout, descent: context.weights, setting: "optimizers.weights")
        }
    }

    var batches: [BatchRequest] {
        [
            BatchRequest("pretraining", of: .training, isAugmented: true),
            BatchRequest("training", of: .training, isAugmented: true),
            BatchRequest("validation", of: .validation),
        ]
    }

    var metrics: [MetricDeclaration] {
        [MetricDeclaration("v_accuracy", "of V on D_tr"), MetricDeclaration("distance", "‖V − W‖²")]
    }

    var occurrences: [String] { [MultilevelProblem.directPath, "w", "v"] }
    var classifiers: [ValueID] { ["w", "v"] }
    var initialMemory: Memory { Memory([Self.weights: .init(repeating: 0, count: context.images.classes)]) }

    private static let weights = "class_weights"

    func absorb(_ outcome: StepOutcome, into memory: inout Memory) throws {
        memory[Self.weights] = try outcome.observations["w"]?.extras[Self.weights]?.doubles() ?? []
    }

    func classMetrics(_ memory: Memory) -> [ClassMetric] { [ClassMetric("weight", memory[Self.weights])] }

    func problem(of step: SearchStep) throws -> MultilevelProblem {
        let supernet = context.supernet
        let w = step.player(models[0], dependencies: [.architecture]) { values in
            let batch = step.batches["pretraining"][0]
            let updates = BufferUpdates()
            let losses = try supernet.logits(
                batch.images, architecture: values.architecture,
                step.context("w", values, updates: updates)
            ).crossEntropies(batch.labels)
            let weights = try values.architecture.last!.sigmoid()
            let own = try weights.reshaped(to: [-1, 1]).rows(at: batch.labels).reshaped(to: [-1])
            var result = Evaluation(try (own * losses).mean())
            result.updates["w"] = updates
            result.extras[Self.weights] = weights.detached
            return result
        }
        let v = step.player(models[1], dependencies: [.architecture, "w"]) { values in
            var result = try step.crossEntropy(
                of: supernet, "v", on: step.batches["training"][0], values, keepsBuffers: true,
                accuracy: "v_accuracy")
            var distance = try result.value.filled(with: 0)
            for (v, w) in zip(values["v"], values["w"]) { distance = try distance + (v - w).squared().sum() }
            result.tensors[0] = try result.value + distance * proximity
            result.metrics["distance"] = try distance.item()
            return result
        }
        return step.problem(
            [.level(Level([w])), .level(Level([v]))],
            outer: Objective([.architecture, "v"]) { values in
                try step.crossEntropy(
                    of: supernet, "v", on: step.batches["validation"][0], values, keepsBuffers: false)
            })
    }
}

/// A space with another upper variable: how much each class is ignored, as a logit.
struct IgnoringSpace<Space: SearchSpace>: SearchSpace {
    let space: Space
    let classes: Int

    var architecture: ModelLayout {
        let builder = LayoutBuilder()
        for entry in space.architecture.parameters {
            _ = builder.root.parameter(entry.name, entry.shape, entry.initializer)
        }
        _ = builder.root.parameter("ignoring", [classes], .zeros)
        return builder.layout
    }

    func supernet(for images: ImageSpecification) throws -> any Supernet { try space.supernet(for: images) }

    func genotype(of architecture: [Tensor]) throws -> Space.Genotype {
        try space.genotype(of: architecture.dropLast())
    }

    func network(
        _ genotype: Space.Genotype, _ settings: Space.NetworkSettings, for images: ImageSpecification
    ) throws -> any Network {
        try space.network(genotype, settings, for: images)
    }
}
