import ErrataCore
import NeuralNetworks
import TensorEngine

/// Weights drawn from Dir(elu(α) + 1), one draw a pass, with pathwise gradients; and an anchor that keeps the
/// distribution near the even one (Chen et al., 2021, DrNAS, section 3, and its published code). Where nothing learns
/// the weights are the distribution's mean, and so are the strengths.
///
/// A draw is one gamma variable a candidate, divided by their sum, each by its inverse distribution function from a
/// uniform number that is held: so the weights are a differentiable function of α.
public struct DirichletRelaxation: Relaxation, Configuration {
    /// The weight of Σ KL(Dir(elu(α) + 1) ‖ Dir(1)) over all edges.
    public var anchor = 1e-3

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "anchor", \.anchor, "the weight of the divergence from the even distribution", .atLeast(0))
        ]
    }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    {
        guard pass.purpose != .evaluation else { return RelaxedWeights(try strengths(alpha)) }
        let logarithms = try alpha.cast(to: .float64).concentrations().logarithmOfGamma {
            pass.uniform($0)
        }
        return RelaxedWeights(try logarithms.softmax().cast(to: alpha.dtype))
    }

    public func strengths(_ alpha: Tensor) throws -> Tensor {
        let concentrations = try alpha.concentrations()
        return try concentrations / concentrations.sum(axes: [1], keepingAxes: true)
    }

    public func penalty(_ alphas: [Tensor], at time: TrainingTime) throws -> Tensor? {
        let divergences = try alphas.map {
            try $0.cast(to: .float64).concentrations().divergenceFromEven().cast(to: $0.dtype)
        }
        return try divergences.dropFirst().reduce(divergences[0]) { try $0 + $1 } * anchor
    }
}

extension Tensor {
    /// elu(x) + 1: x + 1 above 0, eˣ below.
    fileprivate func concentrations() throws -> Tensor {
        try relu() + Tensor.minimum(filled(with: 0), self).exp()
    }

    /// Σ over rows of KL(Dir(row) ‖ Dir(1)).
    fileprivate func divergenceFromEven() throws -> Tensor {
        let total = try sum(axes: [1], keepingAxes: true)
        let even = logarithmOfGammaFunction(Double(shape[1])) * Double(shape[0])
        return try total.logGamma().sum() - logGamma().sum()
            + ((self - 1) * (digamma() - total.digamma())).sum() - even
    }
}
