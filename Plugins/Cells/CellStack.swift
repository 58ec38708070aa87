/// How cells are stacked: channels and extents halve and double at one and at two thirds of the depth.
package struct Depth: Sendable {
    package struct Cell: Sendable {
        /// The channels of the cell's inputs, of the one before the last and of the last.
        let beforeLast, last: Int
        /// The channels of its nodes.
        let channels: Int
        let isReduction: Bool
        /// Whether the cell before is a reduction.
        let followsReduction: Bool

        package init(
            beforeLast: Int, last: Int, channels: Int, isReduction: Bool, followsReduction: Bool
        ) {
            self.beforeLast = beforeLast
            self.last = last
            self.channels = channels
            self.isReduction = isReduction
            self.followsReduction = followsReduction
        }
    }

    let cells: [Cell]
    /// The channels of the stem's output.
    let stem: Int
    /// The channels of the last cell's output.
    let features: Int

    /// - Parameters:
    ///   - channels: of the first cells' nodes.
    ///   - concatenated: how many nodes make up the output of a normal and of a reduction cell.
    init(channels: Int, cells count: Int, stemMultiplier: Int, concatenated: (normal: Int, reduction: Int)) {
        stem = channels * stemMultiplier
        var (beforeLast, last, current) = (stem, stem, channels)
        var cells: [Cell] = []
        for index in 0..<count {
            let isReduction = index == count / 3 || index == 2 * count / 3
            if isReduction { current *= 2 }
            cells.append(
                Cell(
                    beforeLast: beforeLast, last: last, channels: current, isReduction: isReduction,
                    followsReduction: cells.last?.isReduction ?? false))
            let outputs = isReduction ? concatenated.reduction : concatenated.normal
            (beforeLast, last) = (last, outputs * current)
        }
        self.cells = cells
        features = last
    }
}
