import TensorEngine

/// A data set cut at random into D_tr, which weights are trained on, and D_val, which architectures are.
public struct Split: Sendable {
    /// How the images are chosen.
    public enum Method: String, Sendable, CaseIterable {
        /// By class where a class has fewer than `automaticLimit` images, else from all images.
        case automatic
        /// From all images alike.
        case random
        /// The same part of every class.
        case stratified
    }

    /// Below so many images of a class, one part or the other could have few of them, or none.
    public static let automaticLimit = 100

    public let training: Subset
    public let validation: Subset

    /// - Parameters:
    ///   - dataset: what is divided.
    ///   - trainingFraction: the part that is for training, rounded to whole images; DARTS's 0.5 by default.
    ///   - method: how they are chosen.
    ///   - random: decides which images, and nothing else does.
    /// - Throws: `DatasetError` if the fraction leaves either part empty.
    public init(
        _ dataset: any Dataset, trainingFraction: Double = 0.5, method: Method = .automatic,
        random: RandomStream
    ) throws {
        try require(
            trainingFraction > 0 && trainingFraction < 1, dataset.name,
            "a training fraction of \(trainingFraction), expected one between 0 and 1")
        let cut = Int((trainingFraction * Double(dataset.count)).rounded())
        try require(
            cut > 0 && cut < dataset.count, dataset.name,
            "a training fraction of \(trainingFraction) of \(dataset.count) images leaves a part empty")
        if method == .stratified || method == .automatic && Self.hasSmallClass(dataset) {
            let (chosen, rest) = StratifiedChoice.choose(
                trainingFraction, of: dataset.labels, classes: dataset.classNames.count,
                random: random.derived("split"))
            training = try Subset(dataset, indices: chosen)
            validation = try Subset(dataset, indices: rest)
            return
        }
        let order = random.derived("split").permutation(of: dataset.count)
        training = try Subset(dataset, indices: order[..<cut].sorted())
        validation = try Subset(dataset, indices: order[cut...].sorted())
    }

    /// Whether a class that has images has few.
    private static func hasSmallClass(_ dataset: any Dataset) -> Bool {
        var counts = [Int](repeating: 0, count: dataset.classNames.count)
        for label in dataset.labels { counts[Int(label)] += 1 }
        return counts.contains { (1..<automaticLimit).contains($0) }
    }
}
