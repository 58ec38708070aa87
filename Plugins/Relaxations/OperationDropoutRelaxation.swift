import ErrataCore
import Foundation
import TensorEngine

/// The softmax over the operations that are left of each edge, the others being dropped and not run (Hong et al., 2020,
/// DropNAS, section 3.2): each with probability r^(1/n) in a group of n, and drawn again until each group keeps one.
/// There are two groups, the operations without parameters and the others. Nothing is dropped while A waits, nor where
/// nothing learns.
public struct OperationDropoutRelaxation: Relaxation, Configuration {
    /// r, how often a whole group would be dropped.
    public var rate = 3e-5
    /// The operations without parameters.
    public var parameterFree = ["none", "skip_connect", "max_pool_3x3", "avg_pool_3x3"]

    public init() {}

    public static var fields: [ConfigurationField<Self>] {
        [
            .init(
                "rate", \.rate,
                "r; an operation of a group of n is dropped with probability r^(1/n)", .within(0..<1)),
            .init("parameter_free", \.parameterFree, "the operations of one group; all others are the other"),
        ]
    }

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    {
        guard rate > 0, pass.purpose != .evaluation, !pass.time.isWarmup else {
            return RelaxedWeights(try alpha.softmax())
        }
        let runs = candidates.enumerated().map { edge, names in
            kept(names, pass.random.derived(UInt64(edge)))
        }
        let masks = try alpha.backend.tensor(
            runs.flatMap { $0.map { $0 ? 1.0 : 0 } }, alpha.shape
        ).cast(to: alpha.dtype)
        let shifted = try (alpha - alpha.detached.max(axes: [1], keepingAxes: true)).exp() * masks
        return RelaxedWeights(try shifted / shifted.sum(axes: [1], keepingAxes: true), runs: runs)
    }

    /// Which of an edge's candidates stay.
    private func kept(_ names: [String], _ random: RandomStream) -> [Bool] {
        var kept = names.map { _ in true }
        for isFree in [true, false] {
            let group = names.indices.filter { parameterFree.contains(names[$0]) == isFree }
            guard !group.isEmpty else { continue }
            let probability = pow(rate, 1 / Double(group.count))
            var draw = 0
            repeat {
                for index in group {
                    kept[index] =
                        random.derived(UInt64(draw)).uniform(at: UInt64(index)) >= probability
                }
                draw += 1
            } while !group.contains(where: { kept[$0] })
        }
        return kept
    }
}
