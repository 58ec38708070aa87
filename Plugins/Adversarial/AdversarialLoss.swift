import ErrataCore
import Multilevel
import NeuralNetworks
import TensorEngine

/// What the generator descends in the game of Goodfellow et al. (2014).
public enum AdversarialLoss: String, ConfigurationChoice {
    /// −log D(G(z)): the same fixed point as the minimax game's, with gradients where D is sure
    /// (Goodfellow et al., 2014, section 3).
    case nonSaturating = "non-saturating"
    /// log(1 − D(G(z))): Eq. 2 as written.
    case minimax

    /// −E log D(x) − E log(1 − D(G(z))), scores being D's logits: what H descends.
    public func discriminatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        Evaluation(
            try game.scores(game.real).binaryCrossEntropy(target: 1)
                + game.scores(game.generated).binaryCrossEntropy(target: 0))
    }

    /// What G descends.
    public func generatorLoss(_ game: AdversarialGame) throws -> Evaluation {
        let scores = try game.scores(game.generated)
        switch self {
        case .nonSaturating: return Evaluation(try scores.binaryCrossEntropy(target: 1))
        case .minimax: return Evaluation(try scores.binaryCrossEntropy(target: 0).negated())
        }
    }
}
