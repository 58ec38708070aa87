import ErrataCore
import NeuralNetworks
import Synchronization
import TensorEngine

/// A relaxation as a function that its straight-through gradient is the true one of: what a pass chooses is chosen at
/// the α that the pass was first evaluated at, and the rest is the surrogate's change from there.
final class Held: Relaxation {
    private let relaxation: any Relaxation
    private let first = Mutex<[RandomStream: Tensor]>([:])

    init(_ relaxation: any Relaxation) { self.relaxation = relaxation }

    var initializer: Initializer? { relaxation.initializer }

    func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws -> RelaxedWeights
    {
        let held = first.withLock { first in
            let held = first[pass.random] ?? alpha.detached
            first[pass.random] = held
            return held
        }
        let chosen = try relaxation.weights(held, of: candidates, in: pass)
        let there = try relaxation.surrogate(held, of: candidates, in: pass)
        let here = try relaxation.surrogate(alpha, of: candidates, in: pass)
        return RelaxedWeights(try here + (chosen.weights - there).detached, runs: chosen.runs)
    }

    func strengths(_ alpha: Tensor) throws -> Tensor { try relaxation.strengths(alpha) }

    func penalty(_ alphas: [Tensor], at time: TrainingTime) throws -> Tensor? {
        try relaxation.penalty(alphas, at: time)
    }

    func transformation(of candidate: String) -> Transformation? { relaxation.transformation(of: candidate) }
}
