import CHDF5
import Datasets
import Foundation
import TensorEngine

/// Archives as HDF5 files, made and read in memory: libhdf5 never touches a disk.
package enum HDF5 {
    /// The bytes in front of the file proper that HDF5 leaves to us.
    static let userBlock = 512

    /// The most bytes of text an attribute holds: HDF5 keeps it in an object header's message of 64 KiB.
    static let longestText = 64_000

    /// The bytes of an HDF5 file, its user block zero. The same archive gives the same bytes.
    ///
    /// - Throws: `ArchiveError` if HDF5 cannot hold the archive as it is, with libhdf5's message if it has one.
    static func image(of archive: Archive) throws -> [UInt8] {
        for path in archive.tensors.keys { try checkPath(path) }
        for (path, attribute) in archive.attributes {
            try checkPath(path)
            if case .text(let text) = attribute { try checkText(text, path) }
        }
        return try HDF5Library.lock.withLock { _ in
            errata_h5_silence()
            let access = try valid(H5Pcreate(errata_h5_file_access()), "property list")
            defer { H5Pclose(access) }
            try check(H5Pset_fapl_core(access, 16 << 20, false), "core driver")
            let creation = try valid(H5Pcreate(errata_h5_file_create()), "property list")
            defer { H5Pclose(creation) }
            try check(H5Pset_userblock(creation, hsize_t(userBlock)), "user block")
            let file = try valid(H5Fcreate("archive", errata_h5_truncate(), creation, access), "file")
            defer { H5Fclose(file) }

            try write(archive, to: file)
            try check(H5Fflush(file, H5F_SCOPE_GLOBAL), "flush")
            let size = H5Fget_file_image(file, nil, 0)
            guard size > 0 else { throw failure("file image") }
            // libhdf5 hands out the file without its user block.
            return try [UInt8](unsafeUninitializedCapacity: userBlock + size) { buffer, count in
                buffer.baseAddress!.update(repeating: 0, count: userBlock)
                let written = H5Fget_file_image(file, buffer.baseAddress! + userBlock, size)
                guard written == size else { throw failure("file image") }
                count = userBlock + size
            }
        }
    }

    /// The contents of an HDF5 file that `image(of:)` made.
    ///
    /// - Throws: `ArchiveError` if it holds anything else.
    static func archive(of image: [UInt8]) throws -> Archive {
        try HDF5Library.lock.withLock { _ in
            errata_h5_silence()
            let access = try valid(H5Pcreate(errata_h5_file_access()), "property list")
            defer { H5Pclose(access) }
            try check(H5Pset_fapl_core(access, 16 << 20, false), "core driver")
            // libhdf5 copies the image.
            try image.withUnsafeBytes {
                try check(
                    H5Pset_file_image(access, UnsafeMutableRawPointer(mutating: $0.baseAddress), $0.count),
                    "file image")
            }
            let file = try valid(H5Fopen("archive", errata_h5_read_only(), access), "file")
            defer { H5Fclose(file) }
            let root = try valid(H5Gopen2(file, "/", 0), "root")
            defer { H5Gclose(root) }
            var reader = HDF5Reader(fileSize: image.count)
            try reader.read(group: root, path: "", depth: 0)
            return reader.archive
        }
    }

    // MARK: Writing

    private static func write(_ archive: Archive, to file: hid_t) throws {
        let links = try valid(H5Pcreate(errata_h5_link_create()), "property list")
        defer { H5Pclose(links) }
        try check(H5Pset_create_intermediate_group(links, 1), "intermediate groups")
        let plain = try valid(H5Pcreate(errata_h5_dataset_create()), "property list")
        defer { H5Pclose(plain) }
        // Times would give equal archives different bytes.
        try check(H5Pset_obj_track_times(plain, false), "object times")
        for (path, entry) in archive.tensors.sorted(by: { $0.key < $1.key }) {
            try write(entry, path, to: file, links: links, creation: plain)
        }
        for (path, attribute) in archive.attributes.sorted(by: { $0.key < $1.key }) {
            try write(attribute, path, to: file, links: links)
        }
    }

    private static func write(
        _ entry: Archive.Entry, _ path: String, to file: hid_t, links: hid_t, creation: hid_t
    ) throws {
        let extents = entry.shape.extents.map { hsize_t($0) }
        let space = try valid(
            extents.isEmpty ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(extents.count), extents, nil),
            "shape of '\(path)'")
        defer { H5Sclose(space) }
        let data = try valid(
            H5Dcreate2(file, path, entry.dtype.hdf5, space, links, creation, 0), "'\(path)'")
        defer { H5Dclose(data) }
        guard entry.shape.count > 0 else { return }
        try entry.bytes.withUnsafeBytes {
            try check(H5Dwrite(data, entry.dtype.hdf5, 0, 0, 0, $0.baseAddress), "'\(path)'")
        }
    }

    private static func write(_ attribute: Archive.Attribute, _ path: String, to file: hid_t, links: hid_t)
        throws
    {
        let parts = path.split(separator: "/")
        let (name, groupPath) = (String(parts.last!), parts.dropLast().joined(separator: "/"))
        let group = try valid(
            try groupPath.isEmpty || isThere(groupPath, in: file)
                ? H5Gopen2(file, "/\(groupPath)", 0) : H5Gcreate2(file, groupPath, links, 0, 0),
            "group '\(groupPath)'")
        defer { H5Gclose(group) }
        let space = try valid(H5Screate(H5S_SCALAR), "attribute '\(path)'")
        defer { H5Sclose(space) }
        func put(_ type: hid_t, _ value: UnsafeRawPointer) throws {
            let attribute = try valid(H5Acreate2(group, name, type, space, 0, 0), "attribute '\(path)'")
            defer { H5Aclose(attribute) }
            try check(H5Awrite(attribute, type, value), "attribute '\(path)'")
        }
        switch attribute {
        case .integer(let value): try withUnsafePointer(to: Int64(value)) { try put(errata_h5_int64(), $0) }
        case .number(let value): try withUnsafePointer(to: value) { try put(errata_h5_float64(), $0) }
        case .text(let text):
            let type = try valid(H5Tcopy(errata_h5_text()), "text type")
            defer { H5Tclose(type) }
            let bytes = Array(text.utf8)
            try check(H5Tset_size(type, max(bytes.count, 1)), "text size")
            try check(H5Tset_cset(type, H5T_CSET_UTF8), "text encoding")
            try check(H5Tset_strpad(type, H5T_STR_NULLPAD), "text padding")
            try put(type, bytes.isEmpty ? [0] : bytes)
        }
    }

    private static func isThere(_ path: String, in file: hid_t) throws -> Bool {
        var prefix = ""
        for part in path.split(separator: "/") {
            prefix += "/\(part)"
            let answer = H5Lexists(file, prefix, 0)
            guard answer >= 0 else { throw failure("'\(prefix)'") }
            if answer == 0 { return false }
        }
        return true
    }

    // MARK: What HDF5 would change in silence

    /// HDF5 takes `a//b`, `/a/b` and `./a/b` for `a/b`, and ends a name at a zero byte.
    private static func checkPath(_ path: String) throws {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." }), !path.utf8.contains(0) else {
            throw ArchiveError("'\(path)' is no path: expected names with '/' between them")
        }
    }

    private static func checkText(_ text: String, _ path: String) throws {
        guard !text.utf8.contains(0) else { throw ArchiveError("the text '\(path)' contains a zero byte") }
        guard text.utf8.count <= longestText else {
            throw ArchiveError(
                "the text '\(path)' has \(text.utf8.count) bytes, expected at most \(longestText)")
        }
    }

    // MARK: Failures

    /// An identifier that libhdf5 gave, if it did.
    static func valid(_ id: hid_t, _ what: String) throws -> hid_t {
        guard id >= 0 else { throw failure(what) }
        return id
    }

    static func check(_ status: herr_t, _ what: String) throws {
        guard status >= 0 else { throw failure(what) }
    }

    static func failure(_ what: String) -> ArchiveError {
        var message = [CChar](repeating: 0, count: 256)
        errata_h5_message(&message)
        let text = String(decoding: message.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return ArchiveError("HDF5 fails on \(what): \(text.isEmpty ? "no reason given" : text)")
    }
}

extension DType {
    var hdf5: hid_t {
        switch self {
        case .float32: errata_h5_float32()
        case .float64: errata_h5_float64()
        case .int32: errata_h5_int32()
        }
    }
}
