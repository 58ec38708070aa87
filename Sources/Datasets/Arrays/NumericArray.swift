/// An array of numbers as a file has it: NumPy's, HDF5's, or IDX.
public struct NumericArray: Sendable {
    public enum Element: String, Sendable, CaseIterable {
        case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float16, float32, float64

        public var byteCount: Int {
            switch self {
            case .uint8, .int8: 1
            case .uint16, .int16, .float16: 2
            case .uint32, .int32, .float32: 4
            case .uint64, .int64, .float64: 8
            }
        }

        var isFloatingPoint: Bool { [.float16, .float32, .float64].contains(self) }
    }

    /// What it is of, for messages: a file's path, and the array's name in it.
    public let name: String
    public let extents: [Int]
    public let element: Element
    /// The elements, row by row, in the order of bytes that the file has.
    public let bytes: [UInt8]
    private let isBigEndian: Bool

    /// - Throws: `DatasetError` if the bytes are not those of as many elements as the extents say.
    init(name: String, extents: [Int], _ element: Element, isBigEndian: Bool = false, bytes: [UInt8]) throws {
        let count = try Self.byteCount(extents, element, name: name, limit: .max)
        try require(
            bytes.count == count, name,
            "\(bytes.count) bytes of elements, expected \(count) for \(Self.text(extents)) of \(element)")
        self.name = name
        self.extents = extents
        self.element = element
        self.bytes = bytes
        self.isBigEndian = isBigEndian
    }

    static func text(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: "×") }

    /// The bytes of so many elements.
    ///
    /// - Throws: `DatasetError` if there are none, or more than the limit.
    static func byteCount(_ extents: [Int], _ element: Element, name: String, limit: Int) throws -> Int {
        let count = try extents.reduce(element.byteCount) { product, extent in
            let (result, overflow) = product.multipliedReportingOverflow(by: extent)
            try require(
                !overflow && result <= limit, name,
                "claims \(text(extents)) elements of \(element), expected at most \(limit) bytes")
            return result
        }
        try require(count > 0, name, "claims \(text(extents)) elements, expected at least one")
        return count
    }

    /// Of the first so many elements, or of all.
    func values(_ limit: Int = .max) -> [Double] {
        bytes.withUnsafeBytes { bytes in
            func all<Number: FixedWidthInteger>(_ type: Number.Type, _ value: (Number) -> Double) -> [Double]
            {
                (0..<min(bytes.count / MemoryLayout<Number>.size, limit)).map {
                    let number = bytes.loadUnaligned(
                        fromByteOffset: $0 * MemoryLayout<Number>.size, as: Number.self)
                    return value(isBigEndian ? Number(bigEndian: number) : Number(littleEndian: number))
                }
            }
            return switch element {
            case .uint8: all(UInt8.self) { Double($0) }
            case .int8: all(Int8.self) { Double($0) }
            case .uint16: all(UInt16.self) { Double($0) }
            case .int16: all(Int16.self) { Double($0) }
            case .uint32: all(UInt32.self) { Double($0) }
            case .int32: all(Int32.self) { Double($0) }
            case .uint64: all(UInt64.self) { Double($0) }
            case .int64: all(Int64.self) { Double($0) }
            case .float16: all(UInt16.self) { Double(Float16(bitPattern: $0)) }
            case .float32: all(UInt32.self) { Double(Float(bitPattern: $0)) }
            case .float64: all(UInt64.self) { Double(bitPattern: $0) }
            }
        }
    }

    /// The elements as a picture's samples.
    ///
    /// - Parameter range: the numbers that are black and white. Where it is `nil`, unsigned bytes are samples as they
    ///   are, and floating-point numbers range from 0 to 1.
    /// - Throws: `DatasetError` if a number is out of the range, or integers of another type have none.
    public func samples(_ range: ClosedRange<Double>? = nil) throws -> [UInt8] {
        if element == .uint8 && range == nil { return bytes }
        guard let range = range ?? (element.isFloatingPoint ? 0...1 : nil) else {
            throw DatasetError(
                name, "elements of \(element): `range` is needed, the numbers that are black and white")
        }
        let image = extents.dropFirst().reduce(1, *)
        let scale = 255 / (range.upperBound - range.lowerBound)
        return try values().enumerated().map { index, value in
            guard range.contains(value) else {
                throw DatasetError(
                    name,
                    "\(value) in image \(index / image), expected numbers from \(range.lowerBound), black, to "
                        + "\(range.upperBound), white, or another `range`")
            }
            return UInt8(((value - range.lowerBound) * scale).rounded())
        }
    }

    /// The elements as labels: whole numbers, [N] or [N, 1].
    ///
    /// - Throws: `DatasetError` if they are of another shape, or one is no whole number from 0 to 2³¹ − 1.
    public func labels() throws -> [Int32] {
        try require(
            extents.count == 1 || extents.count == 2 && extents[1] == 1, name,
            "is of \(Self.text(extents)), expected a label for each image: N, or N×1")
        return try values().enumerated().map { index, value in
            guard let label = Int32(exactly: value), label >= 0 else {
                throw DatasetError(name, "label \(value) of image \(index), expected a whole number from 0")
            }
            return label
        }
    }
}
