import TensorEngine

/// Some labelled images, as a step takes them.
public struct Batch: Sendable {
    /// Augmented and normalised: [N, H, W, C].
    public let images: Tensor
    /// The same images as they are, in [−1, 1]: what a discriminator compares generated ones with.
    public let raw: Tensor
    /// Int32 [N].
    public let labels: Tensor

    public init(images: Tensor, raw: Tensor, labels: Tensor) {
        self.images = images
        self.raw = raw
        self.labels = labels
    }
}
