extension NumericArray {
    private static let numPyElements: [String: Element] = [
        "u1": .uint8, "i1": .int8, "b1": .uint8, "u2": .uint16, "i2": .int16, "u4": .uint32, "i4": .int32,
        "u8": .uint64, "i8": .int64, "f2": .float16, "f4": .float32, "f8": .float64,
    ]

    /// An array of a file that NumPy's `save`, `savez` or `savez_compressed` wrote.
    ///
    /// - Parameters:
    ///   - path: of the file, .npz or .npy by what is in it.
    ///   - array: the array's name in an archive; a file of one array has none.
    /// - Throws: `FileError` if it cannot be read; `DatasetError` if it is damaged, has no such array, or that is none of
    ///   numbers in C's order.
    init(numPy path: String, array: String) throws {
        let bytes = try RegularFile.contents(of: path)
        if bytes.starts(with: Self.numPyMagic) {
            try self.init(npy: bytes, name: path)
        } else {
            try self.init(
                npy: ZipArchive(path, bytes).contents(of: array + ".npy"), name: "\(path): \(array)")
        }
    }

    static let numPyMagic: [UInt8] = [0x93] + Array("NUMPY".utf8)

    private init(npy bytes: [UInt8], name: String) throws {
        try require(
            bytes.starts(with: Self.numPyMagic) && bytes.count >= 12, name, "begins not as NumPy's arrays do")
        let start = bytes[6] == 1 ? 10 : 12
        let length = bytes[8..<start].reversed().reduce(0) { $0 << 8 | Int($1) }
        try require(
            start + length <= bytes.count, name,
            "byte 8: a header of \(length) bytes, beyond the end; get it anew")
        let header = String(decoding: bytes[start..<start + length], as: UTF8.self)
        guard let type = header.firstMatch(of: /'descr': *'([<>|=])(\w+)'/),
            let order = header.firstMatch(of: /'fortran_order': *(True|False)/),
            let shape = header.firstMatch(of: /'shape': *\(([0-9, ]*)\)/)
        else {
            throw DatasetError(
                name, "byte \(start): the header is '\(header.prefix(120))', expected an array of numbers")
        }
        guard let element = Self.numPyElements[String(type.2)] else {
            throw DatasetError(
                name, "elements of '\(type.2)', expected numbers (u1 to u8, i1 to i8, f2 to f8)")
        }
        try require(
            order.1 == "False", name, "is in Fortran's order: save numpy.ascontiguousarray of it")
        let extents = try shape.1.split(separator: ",").map { part in
            guard let extent = Int(part.filter { $0 != " " }) else {
                throw DatasetError(name, "byte \(start): a shape of (\(shape.1))")
            }
            return extent
        }
        try self.init(
            name: name, extents: extents, element, isBigEndian: type.1 == ">",
            bytes: Array(bytes[(start + length)...]))
    }
}
