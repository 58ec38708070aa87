import CHDF5
import TensorEngine

/// Collects what an open HDF5 file holds, and takes no more memory than the file's size allows for.
struct HDF5Reader {
    private(set) var archive = Archive()
    /// The bytes that may still be read: a file cannot hold more than its size.
    private var remaining: Int

    init(fileSize: Int) { remaining = fileSize }

    /// Adds a group's attributes, data sets and groups.
    ///
    /// - Throws: `ArchiveError` if there is anything that an archive does not have.
    mutating func read(group: hid_t, path: String, depth: Int) throws {
        guard depth < 32 else { throw ArchiveError("groups are nested more than 32 deep at '\(path)'") }
        try readAttributes(of: group, path: path)
        var info = H5G_info_t()
        try HDF5.check(H5Gget_info(group, &info), "group '\(path)'")
        for index in 0..<info.nlinks {
            let name = try text {
                H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, $0, $1, 0)
            }
            let child = path.isEmpty ? name : "\(path)/\(name)"
            // Each link takes bytes too, so that a group that contains itself comes to an end.
            try spend(name.utf8.count + 8, on: child)
            guard errata_h5_is_hard_link(group, name) == 1 else {
                throw ArchiveError("'\(child)' leads out of the file or to another name")
            }
            let object = try HDF5.valid(H5Oopen(group, name, 0), "'\(child)'")
            defer { H5Oclose(object) }
            switch H5Iget_type(object) {
            case H5I_GROUP: try read(group: object, path: child, depth: depth + 1)
            case H5I_DATASET: archive[child] = try entry(object, child)
            default: throw ArchiveError("'\(child)' is neither a group nor a data set")
            }
        }
    }

    private mutating func entry(_ data: hid_t, _ path: String) throws -> Archive.Entry {
        let type = try HDF5.valid(H5Dget_type(data), "type of '\(path)'")
        defer { H5Tclose(type) }
        guard let dtype = DType.allCases.first(where: { H5Tequal(type, $0.hdf5) > 0 }) else {
            throw ArchiveError("'\(path)' has a type that is none of float32, float64, int32")
        }
        let space = try HDF5.valid(H5Dget_space(data), "shape of '\(path)'")
        defer { H5Sclose(space) }
        let shape = try shape(of: space, path)
        let count = shape.count * dtype.byteCount
        try spend(count, on: path)
        let contents = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 {
                try HDF5.check(H5Dread(data, dtype.hdf5, 0, 0, 0, buffer.baseAddress), "'\(path)'")
            }
            initialized = count
        }
        return Archive.Entry(dtype: dtype, shape: shape, bytes: contents)
    }

    private func shape(of space: hid_t, _ path: String) throws -> Shape {
        let rank = H5Sget_simple_extent_ndims(space)
        guard [H5S_SCALAR, H5S_SIMPLE].contains(H5Sget_simple_extent_type(space)), rank >= 0 else {
            throw ArchiveError("'\(path)' has no shape")
        }
        var extents = [hsize_t](repeating: 0, count: Int(rank))
        if rank > 0 {
            try HDF5.check(H5Sget_simple_extent_dims(space, &extents, nil), "shape of '\(path)'")
        }
        // Products of extents below this bound do not overflow in any order, even where one extent is 0.
        guard extents.reduce(1.0, { $0 * Double(max($1, 1)) }) < 0x1p48 else {
            throw ArchiveError("'\(path)' claims to have the shape \(extents)")
        }
        return Shape(extents.map { Int($0) })
    }

    private mutating func readAttributes(of group: hid_t, path: String) throws {
        let count = H5Aget_num_attrs(group)
        guard count >= 0 else { throw HDF5.failure("attributes of '\(path)'") }
        for index in 0..<hsize_t(count) {
            let attribute = try HDF5.valid(
                H5Aopen_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, 0, 0), "attribute of '\(path)'")
            defer { H5Aclose(attribute) }
            let name = try text { H5Aget_name(attribute, $1, $0) }
            let full = path.isEmpty ? name : "\(path)/\(name)"
            archive[attribute: full] = try value(of: attribute, full)
        }
    }

    private mutating func value(of attribute: hid_t, _ path: String) throws -> Archive.Attribute {
        let space = try HDF5.valid(H5Aget_space(attribute), "attribute '\(path)'")
        defer { H5Sclose(space) }
        guard H5Sget_simple_extent_type(space) == H5S_SCALAR else {
            throw ArchiveError("attribute '\(path)' is no single value")
        }
        let type = try HDF5.valid(H5Aget_type(attribute), "attribute '\(path)'")
        defer { H5Tclose(type) }
        if H5Tequal(type, errata_h5_int64()) > 0 {
            var value: Int64 = 0
            try HDF5.check(H5Aread(attribute, errata_h5_int64(), &value), "attribute '\(path)'")
            return .integer(Int(value))
        }
        if H5Tequal(type, errata_h5_float64()) > 0 {
            var value = 0.0
            try HDF5.check(H5Aread(attribute, errata_h5_float64(), &value), "attribute '\(path)'")
            return .number(value)
        }
        guard H5Tget_class(type) == H5T_STRING, H5Tis_variable_str(type) == 0 else {
            throw ArchiveError("attribute '\(path)' is neither int64 nor float64 nor text of fixed length")
        }
        let size = H5Tget_size(type)
        try spend(size, on: path)
        var bytes = [UInt8](repeating: 0, count: size)
        try HDF5.check(H5Aread(attribute, type, &bytes), "attribute '\(path)'")
        guard let text = String(validating: bytes.prefix { $0 != 0 }, as: UTF8.self) else {
            throw ArchiveError("attribute '\(path)' is no UTF-8 text")
        }
        return .text(text)
    }

    private mutating func spend(_ bytes: Int, on path: String) throws {
        guard bytes <= remaining else {
            throw ArchiveError("'\(path)' claims \(bytes) bytes, more than the file has")
        }
        remaining -= bytes
    }

    /// A name that a call writes to a buffer of a size that another call of it tells.
    private func text(_ call: (UnsafeMutablePointer<CChar>?, Int) -> Int) throws -> String {
        let length = call(nil, 0)
        guard length >= 0 else { throw HDF5.failure("name") }
        var buffer = [CChar](repeating: 0, count: length + 1)
        guard call(&buffer, length + 1) >= 0 else { throw HDF5.failure("name") }
        return String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
