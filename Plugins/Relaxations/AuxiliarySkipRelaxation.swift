import ErrataCore
import TensorEngine

/// The softmax, and beside it an auxiliary skip connection of weight β on every edge, which decays linearly to 0 over the
/// epochs (Chu et al., 2021, DARTS−, with the linear decay of its published code).
///
/// The auxiliary skip is the candidates' own one: β is added to its weight. The two are one function where a skip
/// connection is the identity; the factorised reductions of a reduction cell share their parameters here, where the
/// published code gives each its own. An edge without a skip connection among its candidates has no auxiliary one.
public struct AuxiliarySkipRelaxation: Relaxation, Configuration {
    /// β in the first epoch.
    public var beta = 1.0

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [.init("beta", \.beta, "the auxiliary skip's weight in a stage's first epoch", .atLeast(0))]
    }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    {
        let time = pass.time
        let beta = beta * Double(time.epochs - time.epoch) / Double(max(time.epochs, 1))
        let skips = try alpha.backend.tensor(
            candidates.flatMap { $0.map { $0 == skipConnection ? beta : 0 } }, alpha.shape)
        return RelaxedWeights(try alpha.softmax() + skips.cast(to: alpha.dtype))
    }
}

/// What the field's spaces call a skip connection.
let skipConnection = "skip_connect"
