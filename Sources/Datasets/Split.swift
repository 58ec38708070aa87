import TensorEngine

/// A data set cut at random into D_tr, which weights are trained on, and D_val, which architectures are.
public struct Split: Sendable {
    public let training: Subset
    public let validation: Subset

    /// - Parameters:
    ///   - dataset: what is divided.
    ///   - trainingFraction: the part that is for training, rounded to whole images; DARTS's 0.5 by default.
    ///   - random: decides which images, and nothing else does.
    /// - Throws: `DatasetError` if the fraction leaves either part empty.
    public init(_ dataset: any Dataset, trainingFraction: Double = 0.5, random: RandomStream) throws {
        try require(
            trainingFraction > 0 && trainingFraction < 1, dataset.name,
            "a training fraction of \(trainingFraction), expected one between 0 and 1")
        let cut = Int((trainingFraction * Double(dataset.count)).rounded())
        try require(
            cut > 0 && cut < dataset.count, dataset.name,
            "a training fraction of \(trainingFraction) of \(dataset.count) images leaves a part empty")
        let order = random.derived("split").permutation(of: dataset.count)
        training = try Subset(dataset, indices: order[..<cut].sorted())
        validation = try Subset(dataset, indices: order[cut...].sorted())
    }
}
