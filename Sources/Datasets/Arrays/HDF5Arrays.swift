import CHDF5
import Synchronization

/// What all users of libhdf5 share.
package enum HDF5Library {
    /// libhdf5 as Debian builds it is not for several threads at once: every call is made under this lock.
    package static let lock = Mutex(())
}

extension NumericArray {
    /// A data set of an HDF5 file, contiguous or chunked, plain or by a filter that libhdf5 has.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - dataset: its name, with the groups that it is in: `train/images`.
    /// - Throws: `DatasetError` if the file or the data set cannot be read, or that is none of numbers.
    init(hdf5 path: String, dataset: String) throws {
        let name = "\(path): \(dataset)"
        self = try HDF5Library.lock.withLock { _ in
            try HDF5DataSet.withOpen(path, dataset) { set in
                let element = try set.element()
                // Deflate's largest expansion bounds what a file of this size can hold.
                let limit = (try RegularFile(path).size).multipliedReportingOverflow(
                    by: GzipStream.maximumExpansion)
                let count = try Self.byteCount(
                    set.extents, element, name: name, limit: limit.overflow ? .max : limit.partialValue)
                let bytes = try [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
                    try set.check(H5Dread(set.id, element.hdf5, 0, 0, 0, buffer.baseAddress), "is damaged")
                    filled = count
                }
                return try NumericArray(name: name, extents: set.extents, element, bytes: bytes)
            }
        }
    }
}

/// An open data set of an open file.
struct HDF5DataSet {
    static let magic: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

    let id: hid_t
    let name: String
    let extents: [Int]

    /// Under `HDF5Library.lock`.
    static func withOpen<Result>(_ path: String, _ dataset: String, _ body: (HDF5DataSet) throws -> Result)
        throws
        -> Result
    {
        errata_h5_silence()
        let file = H5Fopen(path, errata_h5_read_only(), 0)
        try require(file >= 0, path, "cannot be opened as HDF5: \(message)")
        defer { H5Fclose(file) }
        let id = H5Dopen2(file, dataset, 0)
        guard id >= 0 else {
            throw DatasetError(
                path, "has no data set '\(dataset)' (there are: \(names(in: file).joined(separator: ", ")))")
        }
        defer { H5Dclose(id) }
        let space = H5Dget_space(id)
        defer { H5Sclose(space) }
        let rank = H5Sget_simple_extent_ndims(space)
        try require((1...32).contains(rank), "\(path): \(dataset)", "is of rank \(rank), expected an array")
        var extents = [hsize_t](repeating: 0, count: Int(rank))
        H5Sget_simple_extent_dims(space, &extents, nil)
        return try body(
            HDF5DataSet(id: id, name: "\(path): \(dataset)", extents: extents.map { Int(clamping: $0) }))
    }

    /// What the elements are read as.
    func element() throws -> NumericArray.Element {
        let type = H5Dget_type(id)
        defer { H5Tclose(type) }
        let isSigned = H5Tget_sign(type) != H5T_SGN_NONE
        switch (H5Tget_class(type), H5Tget_size(type)) {
        case (H5T_INTEGER, 1): return isSigned ? .int8 : .uint8
        case (H5T_INTEGER, 2): return isSigned ? .int16 : .uint16
        case (H5T_INTEGER, 4): return isSigned ? .int32 : .uint32
        case (H5T_INTEGER, 8): return isSigned ? .int64 : .uint64
        case (H5T_FLOAT, ...4): return .float32
        case (H5T_FLOAT, ...8): return .float64
        default: throw DatasetError(name, "its elements are no numbers of at most 8 bytes")
        }
    }

    func check(_ status: herr_t, _ what: String) throws {
        try require(status >= 0, name, "\(what): \(Self.message); get the file anew")
    }

    /// What lies in the file's root.
    private static func names(in file: hid_t) -> [String] {
        var info = H5G_info_t()
        guard H5Gget_info(file, &info) >= 0 else { return [] }
        return (0..<min(info.nlinks, 20)).map { index in
            var name = [CChar](repeating: 0, count: 256)
            H5Lget_name_by_idx(file, ".", H5_INDEX_NAME, H5_ITER_INC, index, &name, 256, 0)
            return text(name)
        }
    }

    private static var message: String {
        var message = [CChar](repeating: 0, count: 256)
        errata_h5_message(&message)
        return text(message)
    }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension NumericArray.Element {
    var hdf5: hid_t {
        switch self {
        case .uint8: errata_h5_uint8()
        case .int8: errata_h5_int8()
        case .uint16: errata_h5_uint16()
        case .int16: errata_h5_int16()
        case .uint32: errata_h5_uint32()
        case .int32: errata_h5_int32()
        case .uint64: errata_h5_uint64()
        case .int64: errata_h5_int64()
        case .float16, .float32: errata_h5_float32()
        case .float64: errata_h5_float64()
        }
    }
}

extension NumericArray {
    /// An array of a NumPy or an HDF5 file, whichever the file is.
    ///
    /// - Parameters:
    ///   - path: of the file.
    ///   - array: the array's name in it.
    /// - Throws: `FileError` if the file cannot be read; `DatasetError` if it is neither, damaged, or has no such array
    ///   of numbers.
    public init(contentsOf path: String, array: String) throws {
        let file = try RegularFile(path)
        let header = try withUnsafeTemporaryAllocation(byteCount: 8, alignment: 1) {
            Array($0[..<(try file.read(into: $0))])
        }
        if header == HDF5DataSet.magic {
            try self.init(hdf5: path, dataset: array)
        } else if header.starts(with: Self.numPyMagic) || header.starts(with: Array("PK".utf8)) {
            try self.init(numPy: path, array: array)
        } else {
            throw DatasetError(
                path,
                "begins with bytes \(header.map(String.init).joined(separator: ", ")), expected HDF5, .npz or .npy"
            )
        }
    }
}
