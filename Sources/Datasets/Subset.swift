import TensorEngine

/// Some images of a data set, as a data set.
public struct Subset: Dataset {
    private let base: any Dataset
    /// The images' indices in the whole data set.
    public let indices: [Int]
    public let labels: [Int32]

    /// - Throws: `DatasetError` if an index is not one of the data set's images.
    public init(_ base: any Dataset, indices: [Int]) throws {
        let all = base.labels
        for index in indices {
            try require(
                all.indices.contains(index), base.name, "no image \(index), expected one of 0..<\(all.count)")
        }
        self.base = base
        self.indices = indices
        labels = indices.map { all[$0] }
    }

    public var name: String { base.name }
    public var height: Int { base.height }
    public var width: Int { base.width }
    public var channels: Int { base.channels }
    public var classNames: [String] { base.classNames }
    public var isDecoded: Bool { base.isDecoded }

    public func copyImage(_ index: Int, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
        try requireImage(index, fits: buffer)
        try base.copyImage(indices[index], into: buffer)
    }

    public func copyImage(
        _ index: Int, of region: (_ height: Int, _ width: Int) -> PixelRegion?,
        into buffer: UnsafeMutableBufferPointer<UInt8>
    ) throws {
        try requireImage(index, fits: buffer)
        try base.copyImage(indices[index], of: region, into: buffer)
    }
}

extension Dataset {
    /// `count` images chosen at random. A smaller choice from the same stream is part of a larger one.
    ///
    /// - Throws: `DatasetError` if `count` is not in 1...self.count.
    public func limited(to count: Int, random: RandomStream) throws -> Subset {
        try require(
            count >= 1 && count <= self.count, name, "a limit of \(count) images, expected 1...\(self.count)")
        return try Subset(
            self, indices: random.derived("limit").permutation(of: self.count).prefix(count).sorted())
    }
}
