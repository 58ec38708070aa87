import Datasets

extension LearnerSettings: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("lfm", \.lfm, "learn from mistakes; off is the plain search, the control"),
            .init("lambda", \.lambda, "λ, the weight of synthetic images (Eq. 3)", .atLeast(0)),
            .init("synthetic_only", \.syntheticOnly, "W2 learns from synthetic images alone"),
            .init(
                "synthetic_sum", \.syntheticSum, "whether a batch's synthetic losses are averaged or added"),
            .init("augment_synthetic", \.augmentSynthetic, "augment synthetic images as real ones are"),
            .init(
                "validation_batches", \.validationBatches,
                "whether the class weights and A's loss share a validation batch"),
            .init(
                "weighting_pass", \.weightingPass,
                "batch norm in the class weights' pass: the batch's statistics or running ones"),
            .init(
                "estimate_momentum", \.estimateMomentum,
                "the weight of the old value in the running estimate of each class's loss", .within(0..<1)),
            .init(
                "gan_update", \.ganUpdate,
                "whether G and H step from the same point (Eq. 7, 8), or G after H"),
            .init("architecture_warmup", \.architectureWarmup, "epochs before A steps", .atLeast(0)),
            .init(
                "generator_warmup", \.generatorWarmup, "epochs before W2 sees synthetic images", .atLeast(0)),
            .init("weights", \.weights, "how W1 and W2 descend: SGD, its rate decayed by a cosine"),
            .init("architecture", \.architecture, "how A descends: Adam"),
            .init("gan", \.gan, "how G and H descend: Adam"),
        ]
    }

    public func validate() throws {
        guard !syntheticOnly || lfm && lambda > 0 else {
            throw LearnerError("synthetic_only needs lfm and a lambda > 0: W2 would learn from nothing")
        }
    }
}

extension LearnerSettings.BatchReduction: ConfigurationChoice {}
extension LearnerSettings.ValidationBatches: ConfigurationChoice {}
extension LearnerSettings.WeightingPass: ConfigurationChoice {}
extension LearnerSettings.GANUpdate: ConfigurationChoice {}

extension WeightOptimization: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("rate", \.rate, "the first learning rate", .above(0)),
            .init("minimum_rate", \.minimumRate, "the last learning rate", .atLeast(0)),
            .init("momentum", \.momentum, "of SGD", .within(0..<1)),
            .init("weight_decay", \.weightDecay, "added to the gradient times the weights", .atLeast(0)),
            .init("clip", \.clip, "the largest norm of all gradients together", ifGiven: .above(0)),
        ]
    }
}

extension ArchitectureOptimization: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("rate", \.rate, "the learning rate", .above(0)),
            .init("beta1", \.beta1, "the decay of the first moment", .within(0..<1)),
            .init("beta2", \.beta2, "the decay of the second moment", .within(0..<1)),
            .init("weight_decay", \.weightDecay, "added to the gradient times A", .atLeast(0)),
        ]
    }
}

extension GANOptimization: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("generator_rate", \.generatorRate, "the generator's learning rate", .above(0)),
            .init("discriminator_rate", \.discriminatorRate, "the discriminator's learning rate", .above(0)),
            .init("beta1", \.beta1, "the decay of the first moment", .within(0..<1)),
            .init("beta2", \.beta2, "the decay of the second moment", .within(0..<1)),
        ]
    }
}

extension Augmentation: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "crop_padding", \.cropPadding, "the black border in pixels that a random crop may reach into",
                .atLeast(0)),
            .init("horizontal_flip", \.horizontalFlip, "mirror every other image at random"),
            .init(
                "cutout", \.cutoutLength, "the side in pixels of a square set to 0; 0 for none", .atLeast(0)),
        ]
    }

    public init() { self.init(cropPadding: 0) }
}

extension EvaluationSettings: Configuration {
    public static var fields: [ConfigurationField<Self>] {
        [
            .init("channels", \.network.channels, "channels of the first cells", .within(1...4096)),
            .init("cells", \.network.cells, "cells of the network", .within(1...1000)),
            .init("auxiliary", \.network.auxiliary, "an auxiliary head at two thirds of the depth"),
            .init(
                "auxiliary_weight", \.auxiliaryWeight, "the weight of the auxiliary head's loss", .atLeast(0)),
            .init(
                "drop_path", \.dropPath, "the probability of dropping a path in the last epoch, grown from 0",
                .within(0..<1)),
            .init("label_smoothing", \.labelSmoothing, "ε of (1 − ε)·one-hot + ε/classes", .within(0..<1)),
            .init("weights", \.weights, "how the weights descend: SGD, its rate decayed by a cosine"),
        ]
    }
}
