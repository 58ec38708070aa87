import CHDF5
import Foundation
import Synchronization
import TensorEngine

/// Archives as HDF5 files, made and read in memory: libhdf5 never touches a disk.
enum HDF5 {
    /// The bytes in front of the file proper that HDF5 leaves to us.
    static let userBlock = 512

    /// libhdf5 as Debian builds it is not for several threads at once.
    private static let lock = Mutex(())

    /// The bytes of an HDF5 file, its user block zero.
    ///
    /// - Throws: `ArchiveError` with libhdf5's message.
    static func image(of archive: Archive) throws -> [UInt8] {
        try lock.withLock { _ in
            errata_h5_silence()
            let access = try Identifier(H5Pcreate(errata_h5_file_access()), "property list", H5Pclose)
            try check(H5Pset_fapl_core(access.id, 16 << 20, false), "core driver")
            let creation = try Identifier(H5Pcreate(errata_h5_file_create()), "property list", H5Pclose)
            try check(H5Pset_userblock(creation.id, hsize_t(userBlock)), "user block")
            let links = try Identifier(H5Pcreate(errata_h5_link_create()), "property list", H5Pclose)
            try check(H5Pset_create_intermediate_group(links.id, 1), "intermediate groups")
            let file = try Identifier(
                H5Fcreate("archive", errata_h5_truncate(), creation.id, access.id), "file", H5Fclose)

            for (path, entry) in archive.tensors.sorted(by: { $0.key < $1.key }) {
                let extents = entry.shape.extents.map { hsize_t($0) }
                let space = try Identifier(
                    extents.isEmpty
                        ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(extents.count), extents, nil),
                    "shape of '\(path)'", H5Sclose)
                let data = try Identifier(
                    H5Dcreate2(file.id, path, entry.dtype.hdf5, space.id, links.id, 0, 0), "'\(path)'",
                    H5Dclose)
                guard entry.shape.count > 0 else { continue }
                try entry.bytes.withUnsafeBytes {
                    try check(H5Dwrite(data.id, entry.dtype.hdf5, 0, 0, 0, $0.baseAddress), "'\(path)'")
                }
            }
            for (path, attribute) in archive.attributes.sorted(by: { $0.key < $1.key }) {
                try write(attribute, path, file: file.id, links: links.id)
            }
            try check(H5Fflush(file.id, H5F_SCOPE_GLOBAL), "flush")
            let size = H5Fget_file_image(file.id, nil, 0)
            guard size > 0 else { throw failure("file image") }
            // libhdf5 hands out the file without its user block.
            return try [UInt8](unsafeUninitializedCapacity: userBlock + size) { buffer, count in
                buffer.baseAddress!.update(repeating: 0, count: userBlock)
                let written = H5Fget_file_image(file.id, buffer.baseAddress! + userBlock, size)
                guard written == size else { throw failure("file image") }
                count = userBlock + size
            }
        }
    }

    /// The contents of an HDF5 file that is known to be what `image(of:)` made.
    ///
    /// - Throws: `ArchiveError` if it is not.
    static func archive(of image: [UInt8]) throws -> Archive {
        try lock.withLock { _ in
            errata_h5_silence()
            let access = try Identifier(H5Pcreate(errata_h5_file_access()), "property list", H5Pclose)
            try check(H5Pset_fapl_core(access.id, 16 << 20, false), "core driver")
            // libhdf5 copies the image.
            try image.withUnsafeBytes {
                try check(
                    H5Pset_file_image(access.id, UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count),
                    "file image")
            }
            let file = try Identifier(H5Fopen("archive", errata_h5_read_only(), access.id), "file", H5Fclose)
            var archive = Archive()
            let root = try Identifier(H5Gopen2(file.id, "/", 0), "root", H5Gclose)
            try read(root.id, path: "", depth: 0, limit: image.count, into: &archive)
            return archive
        }
    }

    // MARK: -

    private static func write(_ attribute: Archive.Attribute, _ path: String, file: hid_t, links: hid_t)
        throws
    {
        let parts = path.split(separator: "/")
        let name = String(parts.last ?? "")
        let groupPath = parts.dropLast().joined(separator: "/")
        let exists = try groupExists(groupPath, file)
        let group = try Identifier(
            groupPath.isEmpty
                ? H5Gopen2(file, "/", 0)
                : exists ? H5Gopen2(file, groupPath, 0) : H5Gcreate2(file, groupPath, links, 0, 0),
            "group '\(groupPath)'", H5Gclose)
        let space = try Identifier(H5Screate(H5S_SCALAR), "attribute '\(path)'", H5Sclose)
        func put(_ type: hid_t, _ value: UnsafeRawPointer) throws {
            let attribute = try Identifier(
                H5Acreate2(group.id, name, type, space.id, 0, 0), "attribute '\(path)'", H5Aclose)
            try check(H5Awrite(attribute.id, type, value), "attribute '\(path)'")
        }
        switch attribute {
        case .integer(let value): try withUnsafePointer(to: Int64(value)) { try put(errata_h5_int64(), $0) }
        case .number(let value): try withUnsafePointer(to: value) { try put(errata_h5_float64(), $0) }
        case .text(let text):
            let type = try Identifier(H5Tcopy(errata_h5_text()), "text type", H5Tclose)
            let bytes = Array(text.utf8)
            try check(H5Tset_size(type.id, max(bytes.count, 1)), "text size")
            try check(H5Tset_cset(type.id, H5T_CSET_UTF8), "text encoding")
            try check(H5Tset_strpad(type.id, H5T_STR_NULLPAD), "text padding")
            try put(type.id, bytes.isEmpty ? [0] : bytes)
        }
    }

    private static func groupExists(_ path: String, _ file: hid_t) throws -> Bool {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += (prefix.isEmpty ? "" : "/") + part
            if H5Lexists(file, prefix, 0) <= 0 { return false }
        }
        return true
    }

    private static func read(
        _ group: hid_t, path: String, depth: Int, limit: Int, into archive: inout Archive
    ) throws {
        guard depth < 16 else { throw ArchiveError("groups are nested more than 16 deep at '\(path)'") }
        try readAttributes(group, path: path, into: &archive)
        var info = H5G_info_t()
        try check(H5Gget_info(group, &info), "group '\(path)'")
        for index in 0..<info.nlinks {
            let name = try text {
                H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, $0, $1, 0)
            }
            let child = path.isEmpty ? name : "\(path)/\(name)"
            let object = try Identifier(H5Oopen(group, name, 0), "'\(child)'", H5Oclose)
            switch H5Iget_type(object.id) {
            case H5I_GROUP: try read(object.id, path: child, depth: depth + 1, limit: limit, into: &archive)
            case H5I_DATASET: archive[child] = try dataset(object.id, child, limit: limit)
            default: throw ArchiveError("'\(child)' is neither a group nor a data set")
            }
        }
    }

    private static func dataset(_ data: hid_t, _ path: String, limit: Int) throws -> Archive.Entry {
        let type = try Identifier(H5Dget_type(data), "type of '\(path)'", H5Tclose)
        guard let dtype = DType.allCases.first(where: { H5Tequal(type.id, $0.hdf5) > 0 }) else {
            throw ArchiveError("'\(path)' has a type that is none of float32, float64, int32")
        }
        let space = try Identifier(H5Dget_space(data), "shape of '\(path)'", H5Sclose)
        let rank = H5Sget_simple_extent_ndims(space.id)
        guard (0...8).contains(rank) else {
            throw ArchiveError("'\(path)' has rank \(rank), expected 0 to 8")
        }
        var extents = [hsize_t](repeating: 0, count: Int(rank))
        if rank > 0 { try check(H5Sget_simple_extent_dims(space.id, &extents, nil), "shape of '\(path)'") }
        let bytes = extents.reduce(Double(dtype.byteCount)) { $0 * Double($1) }
        guard bytes <= Double(limit) else {
            throw ArchiveError("'\(path)' claims \(bytes) bytes, more than the file has")
        }
        let shape = Shape(extents.map { Int($0) })
        let count = shape.count * dtype.byteCount
        let contents = try [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            if count > 0 {
                try check(H5Dread(data, dtype.hdf5, 0, 0, 0, buffer.baseAddress), "'\(path)'")
            }
            initialized = count
        }
        return Archive.Entry(dtype: dtype, shape: shape, bytes: contents)
    }

    private static func readAttributes(_ group: hid_t, path: String, into archive: inout Archive) throws {
        let count = H5Aget_num_attrs(group)
        for index in 0..<hsize_t(max(count, 0)) {
            let attribute = try Identifier(
                H5Aopen_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, index, 0, 0), "attribute of '\(path)'",
                H5Aclose)
            let name = try text { H5Aget_name(attribute.id, $1, $0) }
            let full = path.isEmpty ? name : "\(path)/\(name)"
            let type = try Identifier(H5Aget_type(attribute.id), "attribute '\(full)'", H5Tclose)
            switch H5Tget_class(type.id) {
            case H5T_INTEGER:
                var value: Int64 = 0
                try check(H5Aread(attribute.id, errata_h5_int64(), &value), "attribute '\(full)'")
                archive[attribute: full] = .integer(Int(value))
            case H5T_FLOAT:
                var value = 0.0
                try check(H5Aread(attribute.id, errata_h5_float64(), &value), "attribute '\(full)'")
                archive[attribute: full] = .number(value)
            case H5T_STRING where H5Tis_variable_str(type.id) == 0:
                var bytes = [UInt8](repeating: 0, count: H5Tget_size(type.id))
                try check(H5Aread(attribute.id, type.id, &bytes), "attribute '\(full)'")
                archive[attribute: full] = .text(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
            default: throw ArchiveError("attribute '\(full)' is neither number nor text")
            }
        }
    }

    /// A name that a call writes to a buffer of a size that another call of it tells.
    private static func text(_ call: (UnsafeMutablePointer<CChar>?, Int) -> Int) throws -> String {
        let length = call(nil, 0)
        guard length >= 0 else { throw failure("name") }
        var buffer = [CChar](repeating: 0, count: length + 1)
        guard call(&buffer, length + 1) >= 0 else { throw failure("name") }
        return String(decoding: buffer.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    private static func check(_ status: herr_t, _ what: String) throws {
        if status < 0 { throw failure(what) }
    }

    fileprivate static func failure(_ what: String) -> ArchiveError {
        var message = [CChar](repeating: 0, count: 256)
        errata_h5_message(&message)
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ArchiveError("HDF5 fails on \(what): \(text.isEmpty ? "no reason given" : text)")
    }

    /// An HDF5 identifier, closed when it goes.
    private final class Identifier {
        let id: hid_t
        private let close: (hid_t) -> herr_t

        init(_ id: hid_t, _ what: String, _ close: @escaping (hid_t) -> herr_t) throws {
            guard id >= 0 else { throw HDF5.failure(what) }
            self.id = id
            self.close = close
        }

        deinit { _ = close(id) }
    }
}

extension DType {
    fileprivate var hdf5: hid_t {
        switch self {
        case .float32: errata_h5_float32()
        case .float64: errata_h5_float64()
        case .int32: errata_h5_int32()
        }
    }
}
