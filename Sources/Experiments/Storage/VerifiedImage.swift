import Datasets

/// An HDF5 file that is checked, byte for byte, before libhdf5 sees it.
///
/// The user block, which HDF5 readers skip, begins with
///
///     0   8 bytes  "ERRATA" 0x00 0x01
///     8   8 bytes  length of the whole file, little-endian
///     16  32 bytes SHA-256 of the whole file with these 32 bytes zero
///
/// and is zero from there on.
package enum VerifiedImage {
    private static let magic: [UInt8] = Array("ERRATA".utf8) + [0, 1]
    private static let digest = 16..<48

    /// - Throws: `ArchiveError` if libhdf5 fails.
    package static func make(_ archive: Archive) throws -> [UInt8] {
        var image = try HDF5.image(of: archive)
        seal(&image)
        return image
    }

    /// Fills the user block of an HDF5 file in.
    package static func seal(_ image: inout [UInt8]) {
        image.replaceSubrange(0..<HDF5.userBlock, with: repeatElement(0, count: HDF5.userBlock))
        image.replaceSubrange(0..<8, with: magic)
        image.replaceSubrange(8..<16, with: littleEndian(UInt64(image.count)))
        image.replaceSubrange(digest, with: image.withUnsafeBytes { SHA256.digest($0) })
    }

    /// - Throws: `ArchiveError` that says what differs, if any byte is not as it was written; `FileError` if the
    ///   file cannot be read.
    package static func read(_ path: String) throws -> Archive {
        try open(AtomicFile.read(path, checkingHeader: check))
    }

    /// - Throws: `ArchiveError` that says what differs, if any byte is not as it was written.
    package static func open(_ image: [UInt8]) throws -> Archive {
        try check(header: image, size: image.count)
        var hash = SHA256()
        image.withUnsafeBytes { image in
            hash.update(UnsafeRawBufferPointer(rebasing: image[..<digest.lowerBound]))
            [UInt8](repeating: 0, count: digest.count).withUnsafeBytes { hash.update($0) }
            hash.update(UnsafeRawBufferPointer(rebasing: image[digest.upperBound...]))
        }
        guard hash.finish().elementsEqual(image[digest]) else {
            throw ArchiveError("its contents do not have the digest in its header: it is damaged")
        }
        return try HDF5.archive(of: image)
    }

    /// Checks all of the user block but the digest.
    private static func check(header: [UInt8], size: Int) throws {
        guard header.count >= HDF5.userBlock else {
            throw ArchiveError("it has \(size) bytes, expected at least \(HDF5.userBlock): it is cut off")
        }
        guard header.starts(with: magic.dropLast()) else {
            throw ArchiveError("it is no checkpoint of Errata's")
        }
        guard header[7] == magic[7] else {
            throw ArchiveError("its format is version \(header[7]), expected version \(magic[7])")
        }
        let length = header[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length == UInt64(size) else {
            throw ArchiveError(
                "it has \(size) bytes, its header says \(length): it is cut off or damaged")
        }
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
}
