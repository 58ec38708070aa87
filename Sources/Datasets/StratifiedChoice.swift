import TensorEngine

/// The same part of every class, at random.
public enum StratifiedChoice {
    /// Chooses images.
    ///
    /// Of a class of n images, fraction·n are chosen, rounded, where what rounding takes from some classes others get, so that
    /// the whole number is right: each class has the whole number below or above. A smaller fraction from the same
    /// stream chooses some of a larger one's images of each class.
    ///
    /// - Parameters:
    ///   - fraction: between 0 and 1.
    ///   - labels: of all images.
    ///   - classes: how many there are.
    ///   - random: decides which images, and nothing else does.
    /// - Returns: the indices of those chosen and of the rest, in increasing order.
    public static func choose(_ fraction: Double, of labels: [Int32], classes: Int, random: RandomStream)
        -> (chosen: [Int], rest: [Int])
    {
        var members = [[Int]](repeating: [], count: classes)
        for (index, label) in labels.enumerated() { members[Int(label)].append(index) }
        let shares = members.map { fraction * Double($0.count) }
        var counts = shares.map { Int($0) }
        let missing = Int((fraction * Double(labels.count)).rounded()) - counts.reduce(0, +)
        let byRemainder = shares.indices.sorted {
            let (first, second) = (shares[$0] - Double(counts[$0]), shares[$1] - Double(counts[$1]))
            return first == second ? $0 < $1 : first > second
        }
        for label in byRemainder.prefix(max(missing, 0)) where counts[label] < members[label].count {
            counts[label] += 1
        }
        var (chosen, rest): ([Int], [Int]) = ([], [])
        for (label, indices) in members.enumerated() where !indices.isEmpty {
            let order = random.derived(UInt64(label)).permutation(of: indices.count).map { indices[$0] }
            chosen += order[..<counts[label]]
            rest += order[counts[label]...]
        }
        return (chosen.sorted(), rest.sorted())
    }
}
