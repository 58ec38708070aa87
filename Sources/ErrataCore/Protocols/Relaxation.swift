import NeuralNetworks
import TensorEngine

/// How architecture parameters α [decisions, candidates] become the weights of mixed operations: where DARTS, SNAS,
/// GDAS, DrNAS and FairDARTS differ.
///
/// A relaxation is a function of its arguments alone: what it draws comes from the pass, so that a pass that is
/// evaluated again has the same weights. It knows candidates by their names, and no space: any space whose A has a row
/// a decision, such as what an arc of its graph computes, and a column a candidate can be relaxed by it. What a
/// relaxation leaves open has a default.
public protocol Relaxation: Sendable {
    /// How α begins; nil, the default, where that is the space's to say.
    var initializer: Initializer? { get }

    /// The weights of a pass.
    ///
    /// - Parameters:
    ///   - alpha: [decisions, candidates].
    ///   - candidates: their names, decision by decision.
    ///   - pass: when and what for; with the random numbers it may draw.
    func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws -> RelaxedWeights

    /// The weights whose gradient stands for that of `weights`, where those are chosen hard and have none of their own:
    /// a straight-through estimator's. By default the weights themselves.
    func surrogate(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws -> Tensor

    /// How strong each candidate is [decisions, candidates], from 0: what genotypes are read from, candidates pruned by and
    /// signs taken of. The softmax by default.
    ///
    /// - Parameter alpha: [decisions, candidates]; no gradient flows through this.
    func strengths(_ alpha: Tensor) throws -> Tensor

    /// A scalar that is added to what A descends; nil, the default, for none.
    ///
    /// - Parameters:
    ///   - alphas: of all parts of the architecture, [decisions, candidates] each.
    ///   - time: of the step.
    func penalty(_ alphas: [Tensor], at time: TrainingTime) throws -> Tensor?

    /// What becomes of a candidate's output, such as noise on it; nil, the default, for nothing.
    func transformation(of candidate: String) -> Transformation?

    /// What perturbs the weights that a model trains with, at a time; nil, the default, for none. What it finds is the
    /// pass's `perturbation`.
    func adversary(at time: TrainingTime) -> WeightAdversary?

    /// From an operation's output to what takes its place, of the same shape.
    typealias Transformation = @Sendable (_ output: Tensor, _ context: ForwardContext) throws -> Tensor
}

extension Relaxation {
    public var initializer: Initializer? { nil }
    public func surrogate(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> Tensor
    { try weights(alpha, of: candidates, in: pass).weights }
    public func strengths(_ alpha: Tensor) throws -> Tensor { try alpha.softmax() }
    public func penalty(_ alphas: [Tensor], at time: TrainingTime) throws -> Tensor? { nil }
    public func transformation(of candidate: String) -> Transformation? { nil }
    public func adversary(at time: TrainingTime) -> WeightAdversary? { nil }
}

/// What a relaxation makes of α in a pass.
public struct RelaxedWeights: Sendable {
    /// [decisions, candidates]
    public var weights: Tensor
    /// By decision and candidate: which operations the pass computes, the others having the weight 0; nil for all.
    public var runs: [[Bool]]?

    public init(_ weights: Tensor, runs: [[Bool]]? = nil) {
        self.weights = weights
        self.runs = runs
    }
}

/// A pass through a mixed network, as a relaxation sees it.
public struct RelaxationPass: Sendable {
    public var purpose: PassPurpose
    public var time: TrainingTime
    /// The same each time that this pass is evaluated.
    public var random: RandomStream
    /// What an adversary adds to the weights [decisions, candidates], a constant.
    public var perturbation: Tensor?

    public init(_ purpose: PassPurpose = .training, time: TrainingTime = .init(), random: RandomStream) {
        self.purpose = purpose
        self.time = time
        self.random = random
    }

    /// - Parameters:
    ///   - context: of the supernet; before anything is derived from its random numbers.
    ///   - part: the part of the architecture whose α it is, such as `normal`: each draws for itself.
    public init(_ context: ForwardContext, _ part: String) {
        self.init(
            context.purpose, time: context.time,
            random: context.random.derived("relaxation \(context.purpose)").derived(part))
    }
}

/// softmax(α) over the candidates (Liu, Simonyan and Yang, 2019, Eq. 2).
public struct SoftmaxRelaxation: Relaxation {
    public init() {}

    public func weights(_ alpha: Tensor, of candidates: [[String]], in pass: RelaxationPass) throws
        -> RelaxedWeights
    { RelaxedWeights(try alpha.softmax()) }
}
