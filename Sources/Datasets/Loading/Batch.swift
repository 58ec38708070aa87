import TensorEngine

/// Some labelled images, as tensors.
public struct Batch: Sendable {
    /// [N, H, W, C], augmented and normalised.
    public let images: Tensor
    /// The same images [N, H, W, C] as they are, in tanh's range [−1, 1]: what a discriminator takes for real.
    /// Present where the loader was told to include them.
    public let originals: Tensor?
    /// [N], Int32.
    public let labels: Tensor
    /// The labels [N], Int32, of what is mixed into the images, and their part; `nil` where nothing is.
    public let mixed: (labels: Tensor, weight: Double)?

    public init(
        images: Tensor, originals: Tensor? = nil, labels: Tensor,
        mixed: (labels: Tensor, weight: Double)? = nil
    ) {
        self.images = images
        self.originals = originals
        self.labels = labels
        self.mixed = mixed
    }

    public var count: Int { labels.count }
}

/// Batches by number. A batch is a function of its number, so an interrupted run continues by asking for the
/// next one.
public protocol BatchSource: Sendable {
    var batchesPerEpoch: Int { get }

    /// The batch of a step; an epoch is `batchesPerEpoch` steps, and epochs follow each other without end.
    ///
    /// - Throws: `DatasetError` if the step is negative or an image cannot be read.
    func batch(step: Int) throws -> Batch
}
