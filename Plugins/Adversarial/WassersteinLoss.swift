import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// The game of a critic that estimates the Wasserstein distance, held near a slope of 1 by a gradient penalty (Gulrajani
/// et al., 2017). A constant added to all scores changes neither loss: a critic needs no bias on its scores.
public struct WassersteinLoss: Sendable {
    /// λ of the paper: what the penalty is multiplied by.
    public var penalty: Double
    /// What batch norm normalises by in the penalty's pass.
    public var normalization: NormalizationMode

    public init(penalty: Double = 10, normalization: NormalizationMode = .batch) {
        self.penalty = penalty
        self.normalization = normalization
    }

    /// What the critic's evaluations report.
    public static let metrics = [
        MetricDeclaration("wasserstein_estimate", "mean score of real less that of generated images"),
        MetricDeclaration("gradient_penalty", "mean of (‖∇H(x̂)‖ − 1)², before its weight"),
    ]

    /// E H(G(z)) − E H(x) + λ·penalty: what H descends.
    public func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        let distance = try game.scores(game.real).mean() - game.scores(game.generated).mean()
        let gradientPenalty = try game.gradientPenalty(at: game.interpolates(), normalization: normalization)
        var result = Evaluation(try gradientPenalty * penalty - distance)
        result.metrics["wasserstein_estimate"] = try distance.item()
        result.metrics["gradient_penalty"] = try gradientPenalty.item()
        return result
    }

    /// −E H(G(z)): what G descends.
    public func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(try game.scores(game.generated).mean().negated())
    }
}
