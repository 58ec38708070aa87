import TensorEngine

/// A method that computes the gradient of a multilevel problem's outer objective with respect to the
/// architecture (Eq. 12 and its approximations).
public protocol Hypergradient: Sendable {
    /// How many steps each level takes before A's; 1 by default.
    var innerSteps: Int { get }

    /// - Parameters:
    ///   - problem: the stages and the outer objective.
    ///   - solution: where `problem.solve(innerSteps:)` arrived.
    ///   - record: gathers what the outer objective yields.
    func gradient(of problem: MultilevelProblem, at solution: Solution, recording record: EvaluationRecord?)
        throws -> OuterGradient
}

extension Hypergradient {
    public var innerSteps: Int { 1 }
}

/// The outer objective's gradient with respect to the architecture.
public struct OuterGradient: Sendable {
    /// The outer objective.
    public let value: Double
    /// For each tensor of the architecture.
    public let gradient: [Tensor]
    /// The gradient's parts by the occurrence of A they end at; none for what nothing flows to.
    public let terms: [String: [Tensor]]

    /// - Parameter gradient: for each tensor of the architecture.
    public init(value: Double, gradient: [Tensor], terms: [String: [Tensor]] = [:]) {
        self.value = value
        self.gradient = gradient
        self.terms = terms
    }
}
