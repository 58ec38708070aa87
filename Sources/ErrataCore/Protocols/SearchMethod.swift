import Multilevel
import NeuralNetworks
import TensorEngine

/// What a search learns, and from what: a multilevel problem for each step.
///
/// The paper's method, the plain search that is its control, and their relatives are each one: models, the batches
/// they learn from, and the levels that a step goes through. The loop, the hypergradient, A's own step, checkpoints
/// and tables are everybody's.
public protocol SearchMethod: Sendable {
    /// The models it trains, in the order in which tables show them. A method without models takes no steps: it finds
    /// what A begins as.
    var models: [ModelDeclaration] { get }

    /// The batches of each step. The first request's images make an epoch.
    var batches: [BatchRequest] { get }

    /// The metrics and constants' names that the problem's evaluations report, besides the losses, norms and learning
    /// rates that every method has.
    var metrics: [MetricDeclaration] { get }

    /// Which of A and the weights steps first.
    var order: UpdateOrder { get }

    /// The occurrences of A in its problems, as the hypergradient's terms are called.
    var occurrences: [String] { get }

    /// The models that classify: validated at each epoch's end. The last is what the search is judged by.
    var classifiers: [ValueID] { get }

    /// What it remembers before the first step; nothing by default.
    var initialMemory: Memory { get }

    /// The problem of one step: its levels, what couples them, and what A descends.
    ///
    /// - Throws: any error if the batches are not of the kind that was asked for.
    func problem(of step: SearchStep) throws -> MultilevelProblem

    /// Takes from a step what is to be remembered. Does nothing by default.
    func absorb(_ outcome: StepOutcome, into memory: inout Memory) throws

    /// What is remembered of each class over the epoch so far, by name; `nil` for a class that has nothing. Columns of
    /// the class-wise table; none by default.
    func classMetrics(_ memory: Memory) -> [ClassMetric]

    /// Images that the method's models make: `columns` of each class, class by class, [classes·columns, H, W, C] in
    /// [−1, 1], from the same noise whenever it is called; `nil`, the default, for a method that makes none.
    func samples(_ state: SearchState, columns: Int, seed: UInt64) throws -> Tensor?
}

extension SearchMethod {
    public var metrics: [MetricDeclaration] { [] }
    public var order: UpdateOrder { .weightsFirst }
    public var initialMemory: Memory { Memory() }
    public func absorb(_ outcome: StepOutcome, into memory: inout Memory) throws {}
    public func classMetrics(_ memory: Memory) -> [ClassMetric] { [] }
    public func samples(_ state: SearchState, columns: Int, seed: UInt64) throws -> Tensor? { nil }
}

/// Which of A and the weights steps first in a step of a search.
public enum UpdateOrder: String, ConfigurationChoice {
    /// The levels step, then A descends where they arrived (Algorithm 1).
    case weightsFirst = "weights-first"
    /// A descends where one virtual step of the levels, without clipping, would arrive; then the levels step anew,
    /// with the new A (DARTS, Algorithm 1, and its published code). A hypergradient that looks at no step, as DARTS's
    /// first order, is taken at the weights as they are.
    case architectureFirst = "architecture-first"
}

/// A number of each class, over an epoch.
public struct ClassMetric: Sendable, Hashable {
    /// In snake case.
    public let name: String
    /// By class.
    public let values: [Double?]

    public init(_ name: String, _ values: [Double?]) {
        self.name = name
        self.values = values
    }
}

/// How a step of a search went.
public struct StepOutcome: Sendable {
    public let time: TrainingTime
    /// Of the levels' players and of the couplings.
    public let observations: [ValueID: Solution.Observation]
}
