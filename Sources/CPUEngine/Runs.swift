/// 0..<total in runs of neighbours, each of which has a partial sum of its own: as many as a large machine has
/// threads, whatever this one has.
struct Runs {
    private let total, length: Int
    let count: Int

    /// - Parameter most: how many there are at most.
    init(of total: Int, most: Int = Runs.usual) {
        self.total = total
        length = max((total + most - 1) / most, 1)
        count = max((total + length - 1) / length, 1)
    }

    static let usual = 16

    subscript(run: Int) -> Range<Int> { (run * length)..<min((run + 1) * length, total) }
}
