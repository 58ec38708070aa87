import Glibc
import TensorEngine

/// How many of a class's images a long-tailed subset keeps, from the first class to the last.
public enum LongTailKind: String, Sendable, CaseIterable {
    /// Geometrically fewer from class to class (Cui et al., 2019).
    case exponential
    /// All of the first half of the classes, the least of the others (Buda, Maki and Mazurowski, 2018).
    case step
}

extension Dataset {
    /// A subset that has ever fewer images of each class. The class of label c of C keeps the part ratio^(−c/(C − 1)) of its
    /// own images, rounded down, but one at least: the first keeps all, the last one in `ratio`. Which images is drawn
    /// class by class.
    ///
    /// - Parameters:
    ///   - ratio: how many times more images the first class keeps, of as many, than the last; at least 1.
    ///   - kind: how the part falls between them.
    ///   - random: decides which images. A smaller ratio's choice holds a larger one's.
    /// - Throws: `DatasetError` if the ratio is below 1.
    public func longTailed(ratio: Double, kind: LongTailKind = .exponential, random: RandomStream) throws
        -> Subset
    {
        try require(ratio >= 1, name, "an imbalance ratio of \(ratio), expected at least 1")
        var members = [[Int]](repeating: [], count: classNames.count)
        for (index, label) in labels.enumerated() { members[Int(label)].append(index) }
        let kept = members.enumerated().flatMap { label, images in
            let place =
                switch kind {
                case .exponential: Double(label) / Double(max(members.count - 1, 1))
                case .step: 2 * label < members.count ? 0.0 : 1
                }
            // What is a whole number but for rounding counts as one.
            let count = Int(floor(Double(images.count) * pow(ratio, -place) + 1e-9))
            return random.derived("long tail").derived(UInt64(label)).permutation(of: images.count)
                .prefix(max(count, 1)).map { images[$0] }
        }
        return try Subset(self, indices: kept.sorted())
    }
}
