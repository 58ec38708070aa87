import ErrataCore

/// How cells are stacked: channels double and extents halve at one and at two thirds of the depth.
public struct CellStack: Sendable {
    /// A cell's place in the stack.
    public struct Cell: Sendable {
        /// From the stem, from 0.
        public let index: Int
        public let kind: CellKind
        /// The channels of the cell's inputs, of the one before the last and of the last.
        public let beforeLast, last: Int
        /// The channels of its nodes.
        public let channels: Int
        /// Whether its first input has twice the second's extent: the cell before is a reduction, or the stem is.
        public let followsReduction: Bool

        public init(
            index: Int = 0, kind: CellKind, beforeLast: Int, last: Int, channels: Int, followsReduction: Bool
        ) {
            self.index = index
            self.kind = kind
            self.beforeLast = beforeLast
            self.last = last
            self.channels = channels
            self.followsReduction = followsReduction
        }

        /// The stride of an edge that comes from a state, 0 and 1 being the cell's inputs.
        public func stride(from state: Int) -> Int { kind == .reduction && state < 2 ? 2 : 1 }
    }

    public let cells: [Cell]
    public let stem: StemKind
    /// The channels of the stem's outputs.
    public let stemChannels: Int
    /// The channels of the last cell's output.
    public let features: Int

    /// - Parameters:
    ///   - channels: of the first cells' nodes.
    ///   - count: how many.
    ///   - stem: what stands before the first cell.
    ///   - stemMultiplier: the stem's channels, as a multiple of the first cells'.
    ///   - concatenated: how many nodes make up the output of a cell of a kind.
    public init(
        channels: Int, cells count: Int, stem: StemKind = .cifar, stemMultiplier: Int,
        concatenated: (CellKind) -> Int
    ) {
        self.stem = stem
        stemChannels = channels * stemMultiplier
        var (beforeLast, last, current) = (stemChannels, stemChannels, channels)
        var cells: [Cell] = []
        for index in 0..<count {
            let kind: CellKind = index == count / 3 || index == 2 * count / 3 ? .reduction : .normal
            if kind == .reduction { current *= 2 }
            cells.append(
                Cell(
                    index: index, kind: kind, beforeLast: beforeLast, last: last, channels: current,
                    followsReduction: cells.last.map { $0.kind == .reduction } ?? (stem == .imagenet)))
            (beforeLast, last) = (last, concatenated(kind) * current)
        }
        self.cells = cells
        features = last
    }

    /// - Parameter section: of the spec, whose settings the stack is of: `search_space`.
    /// - Throws: `SettingError` if the stack has no cell of one of the kinds, so that nothing would decide its
    ///   genotype; or too few channels to be halved for its first input.
    public func require(in section: String) throws {
        guard stem == .cifar || cells[0].channels > 1 else {
            throw SettingError(
                "\(section).channels",
                "1, expected at least 2 with \(section).stem: imagenet, which halves them")
        }
        for kind in CellKind.allCases where !cells.contains(where: { $0.kind == kind }) {
            let name = kind == .normal ? "normal" : "reduction"
            throw SettingError(
                "\(section).cells",
                "\(cells.count) cells have no \(name) cell among them, expected at least 3")
        }
    }
}
