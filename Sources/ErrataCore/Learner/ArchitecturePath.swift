/// The occurrences of A in the learner's problem, by which the hypergradient's terms are called.
public enum ArchitecturePath: String, CaseIterable, Sendable {
    /// In W2′'s validation loss.
    case direct
    /// In l_c.
    case classWeights = "class_weights"
    /// In each player's loss.
    case w2, w1, generator, discriminator
}
