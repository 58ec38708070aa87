import ErrataCore
import Multilevel

/// No search: what A begins as stands for the genotype (Li and Talwalkar, 2019; Yu et al., 2020).
///
/// Where the entries of A begin independent and equally distributed, and the space's rule compares them, no operation
/// is likelier than another: the genotype is uniformly drawn. A space of several stages is drawn from in its first;
/// what is drawn beyond a cap is brought below it as what a search finds is.
public struct RandomMethod: SearchMethod {
    public init() {}

    public var models: [ModelDeclaration] { [] }
    public var batches: [BatchRequest] { [] }
    public var classifiers: [ValueID] { [] }
    public var occurrences: [String] { [] }

    /// - Throws: `SearchError`, whatever the step.
    public func problem(of step: SearchStep) throws -> MultilevelProblem {
        throw SearchError("a method without models takes no steps")
    }
}
