import ErrataCore
import NeuralNetworks
import TensorEngine

extension AdversarialGame {
    /// Points εx + (1 − ε)G(z) between real and generated images, an ε in [0, 1) for each pair, with their path to G.
    public func interpolates() throws -> Tensor {
        let share = try real.backend.uniform(
            [real.shape[0], 1, 1, 1], real.dtype, in: 0...1, from: random.derived("interpolation"))
        return try generated + share * (real - generated)
    }

    /// The mean of (‖∇H(x̂)‖ − 1)² over images x̂: how far H is from a slope of 1 there (Gulrajani et al., 2017, Eq. 3).
    ///
    /// By the batch's statistics, batch norm makes each score depend on all images, and the gradient in x̂ is that of the
    /// sum of all scores; by running statistics it is that of x̂'s own score.
    ///
    /// - Parameters:
    ///   - images: such as `interpolates()`.
    ///   - normalization: what batch norm normalises by in the pass over x̂.
    /// - Returns: a scalar with its paths to H and to where the images come from.
    public func gradientPenalty(at images: Tensor, normalization: NormalizationMode = .batch) throws -> Tensor
    {
        let slopes = try scoreGradient(at: images, normalization: normalization).squared()
            .sum(axes: [1, 2, 3]).squareRootFlatAtZero()
        return try (slopes - 1).squared().mean()
    }
}
