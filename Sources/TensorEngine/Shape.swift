/// The extents of a tensor, outermost axis first. A scalar has no axes.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
    public let extents: [Int]

    public init(_ extents: [Int]) { self.extents = extents }

    public init(arrayLiteral elements: Int...) { extents = elements }

    public static let scalar = Shape([])

    public var rank: Int { extents.count }

    /// The number of elements: the product of the extents, 1 for a scalar.
    public var count: Int { extents.reduce(1, *) }

    /// The extent of an axis; negative axes count from the end.
    public subscript(axis: Int) -> Int { extents[axis < 0 ? extents.count + axis : axis] }

    /// The innermost extent, 1 for a scalar: channels in NHWC.
    public var channels: Int { extents.last ?? 1 }

    /// The product of all extents but the innermost: pixels in NHWC.
    public var rows: Int { extents.dropLast().reduce(1, *) }

    public var description: String { "[\(extents.map(String.init).joined(separator: ", "))]" }

    /// The shape two operands broadcast to by numpy's rule, or `nil` where they do not.
    public static func broadcast(_ a: Shape, _ b: Shape) -> Shape? {
        if a == b { return a }
        let rank = max(a.rank, b.rank)
        var result = [Int](repeating: 1, count: rank)
        for axis in 0..<rank {
            let fromA = axis - (rank - a.rank)
            let fromB = axis - (rank - b.rank)
            let extentA = fromA >= 0 ? a.extents[fromA] : 1
            let extentB = fromB >= 0 ? b.extents[fromB] : 1
            guard extentA == extentB || extentA == 1 || extentB == 1 else { return nil }
            result[axis] = extentA == 1 ? extentB : extentA
        }
        return Shape(result)
    }

    /// The axes of `result` along which a tensor of this shape is repeated when it is broadcast to it.
    func axesBroadcast(to result: Shape) -> [Int] {
        let lead = result.rank - rank
        return (0..<result.rank).filter { $0 < lead || (extents[$0 - lead] == 1 && result.extents[$0] != 1) }
    }
}
