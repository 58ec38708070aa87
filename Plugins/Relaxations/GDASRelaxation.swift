import ErrataCore
import TensorEngine

/// One candidate an edge is sampled and run; the gradient is that of the Gumbel softmax, straight through (Dong and
/// Yang, 2019, GDAS, section 3.2). τ falls linearly over the epochs from 10 to 0.1, as in its published code.
///
/// The gradient of an edge's weights comes from the operation that ran alone, as the paper has it: the published code
/// also adds the weights of the others, which are 0, to the feature maps. Where nothing learns the strongest candidate runs.
public struct GDASRelaxation: Relaxation, Configuration {
    /// τ in the first epoch.
    public var temperature = 10.0
    /// τ in the last epoch.
    public var finalTemperature = 0.1

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
        let soft = try surrogate(alpha, of: candidates, in: pass)
        let values = try soft.detached.doubles()
        let count = alpha.shape[1]
        let runs = (0..<alpha.shape[0]).map { edge in
            let row = values[(edge * count)..<((edge + 1) * count)]
            let largest = row.firstIndex(of: row.max()!)!
            return row.indices.map { $0 == largest }
        }
        let hard = try alpha.backend.tensor(runs.flatMap { $0.map { $0 ? 1.0 : 0 } }, alpha.shape)
            .cast(to: alpha.dtype)
        return RelaxedWeights(try (soft - soft.detached) + hard, runs: runs)
    }

    public func surrogate(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> Tensor
    {
        guard pass.purpose != .evaluation else { return try alpha.softmax() }
        let temperature = Annealing(first: temperature, last: finalTemperature).value(at: pass.time)
        return try alpha.gumbelSoftmax(pass.gumbelNoise(like: alpha), temperature: temperature)
    }
}
