import ErrataCore
import TensorEngine

/// A search space that says at which A its supernet computes what a genotype's network does. A conformance is all
/// that `checkPlugin` needs to hold one against the other; it may stand in a plugin's tests.
public protocol OneHotSpace: SearchSpace {
    /// The evaluation network of the supernet's size, without heads and regularisers that the supernet lacks.
    var supernetSized: NetworkSettings { get }

    /// The A whose mixtures are the genotype's choices alone: for each of `architecture`'s parameters its elements
    /// in row-major order, such as logits so far apart that softmax gives 1 and 0. Nil where there is none, as where
    /// the supernet has what a network lacks.
    func oneHot(_ genotype: Genotype) throws -> [[Double]]?

    /// Which of the supernet's parameters a parameter of the network is; nil for one that the supernet lacks and
    /// that begins as if it were not there, such as the scale of a batch norm.
    func supernetParameter(for parameter: String, of genotype: Genotype) -> String?
}
