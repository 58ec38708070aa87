import TensorEngine

/// A method that computes the gradient of a multilevel problem's outer objective with respect to the
/// architecture (Eq. 12 and its approximations).
public protocol Hypergradient: Sendable {
    /// Whether the gradient looks at the steps that the levels took, and not only at where they arrived; true by
    /// default.
    var differentiatesSteps: Bool { get }

    /// The occurrences of A that are kept; all where absent, the default.
    var paths: Set<String>? { get }

    /// - Parameters:
    ///   - problem: the stages and the outer objective.
    ///   - solution: where `problem.solve()` arrived.
    /// - Throws: what the problem's functions throw.
    func gradient(of problem: MultilevelProblem, at solution: Solution) throws -> OuterGradient
}

extension Hypergradient {
    public var differentiatesSteps: Bool { true }
    public var paths: Set<String>? { nil }
}

/// The outer objective's gradient with respect to the architecture.
public struct OuterGradient: Sendable {
    /// The outer objective.
    public let value: Double
    /// What its evaluation reports.
    public let metrics: [String: Double]
    /// For each tensor of the architecture.
    public let gradient: [Tensor]
    /// The gradient's parts by the occurrence of A they end at; none for what nothing flows to.
    public let terms: [String: [Tensor]]

    /// - Parameters:
    ///   - outer: the outer objective's evaluation on this rank.
    ///   - gradient: for each tensor of the architecture.
    ///   - terms: the gradient's parts by occurrence of A.
    ///   - communicator: the ranks over which the outer objective is the mean.
    /// - Throws: `TensorError` if the outer objective is no scalar; what the communicator throws.
    public init(
        _ outer: Evaluation, gradient: [Tensor], terms: [String: [Tensor]] = [:],
        over communicator: any Communicator = Alone()
    ) throws {
        value = try communicator.mean([outer.value.detached])[0].item()
        metrics = outer.metrics
        self.gradient = gradient
        self.terms = terms
    }
}
