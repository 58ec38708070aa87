import ErrataCore
import TensorEngine

/// softmax((log softmax(α) + G)/τ) with Gumbel noise G (Xie et al., 2019, SNAS); one draw a pass. τ falls
/// linearly over the epochs from and to the values of the published code. Where nothing learns there is no noise.
public struct GumbelSoftmaxRelaxation: Relaxation, Configuration {
    /// τ in the first epoch.
    public var temperature = 1.0
    /// τ in the last epoch.
    public var finalTemperature = 0.03

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init("temperature", \.temperature, "in a stage's first epoch", .above(0)),
            .init("final_temperature", \.finalTemperature, "in a stage's last epoch", .above(0)),
        ]
    }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    {
        guard pass.purpose != .evaluation else { return RelaxedWeights(try alpha.softmax()) }
        let temperature = Annealing(first: temperature, last: finalTemperature).value(at: pass.time)
        return RelaxedWeights(
            try alpha.gumbelSoftmax(pass.gumbelNoise(like: alpha), temperature: temperature))
    }
}
