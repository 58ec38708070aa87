import Datasets

/// Batches that a method asks for at each step.
public struct BatchRequest: Sendable, Hashable {
    /// What the batches are called; the order of the images is drawn by it.
    public let name: String
    public let part: Part
    /// How many batches a step takes.
    public let count: Int
    /// Whether the batches have `originals`, which discriminators take.
    public let includesOriginals: Bool
    /// Whether the images are augmented.
    public let isAugmented: Bool

    /// Of which part of the data.
    public enum Part: Sendable, Hashable {
        /// D_tr.
        case training
        /// D_val.
        case validation
    }

    public init(
        _ name: String, of part: Part, count: Int = 1, includesOriginals: Bool = false,
        isAugmented: Bool = false
    ) {
        self.name = name
        self.part = part
        self.count = count
        self.includesOriginals = includesOriginals
        self.isAugmented = isAugmented
    }
}

/// What one step learns from: the batches of each request.
public struct StepBatches: Sendable {
    private let batches: [String: [Batch]]

    /// - Parameter batches: by request; as many as were asked for.
    public init(_ batches: [String: [Batch]]) { self.batches = batches }

    /// The batches of a request.
    public subscript(name: String) -> [Batch] {
        guard let found = batches[name] else { fatalError("no batches were requested as '\(name)'") }
        return found
    }
}

/// Whether each step of a level has batches of its own, or all have the same.
public enum LevelBatches: String, ConfigurationChoice { case fresh, shared }
