/// The candidate that a misspelt name most likely means, if one is near enough: at most a third of its letters
/// wrong, where `-` and `_` and upper and lower case are the same.
public func suggestion(for name: String, among candidates: [String]) -> String? {
    let given = letters(name)
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
        let meant = letters(candidate)
        let limit = max(1, max(given.count, meant.count) / 3)
        guard abs(given.count - meant.count) <= limit else { continue }
        let distance = editDistance(given, meant)
        if distance <= limit, distance < best?.distance ?? .max { best = (candidate, distance) }
    }
    return best?.candidate
}

/// The edits that lead from one text to the other: insertion, deletion, replacement and swapping of neighbours
/// (Damerau–Levenshtein, no part edited twice).
package func editDistance(_ one: [Character], _ other: [Character]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...other.count)
    for row in one.indices {
        var current = [row + 1]
        for column in other.indices {
            let same = one[row] == other[column]
            var best = min(last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
            if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                best = min(best, beforeLast[column - 1] + 1)
            }
            current.append(best)
        }
        (beforeLast, last) = (last, current)
    }
    return last[other.count]
}

private func letters(_ name: String) -> [Character] {
    name.lowercased().map { $0 == "_" ? "-" : $0 }
}
