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
        image.replaceSubrange(0..<8, with: magic)
        image.replaceSubrange(8..<16, with: littleEndian(UInt64(image.count)))
        image.replaceSubrange(digest, with: image.withUnsafeBytes { SHA256.digest($0) })
        return image
    }

    /// - Throws: `ArchiveError` that says what differs, if any byte is not as it was written.
    package static func open(_ image: [UInt8]) throws -> Archive {
        guard image.count >= HDF5.userBlock else {
            throw ArchiveError("it has \(image.count) bytes, expected at least \(HDF5.userBlock)")
        }
        guard image.starts(with: magic.dropLast()) else {
            throw ArchiveError("it is no checkpoint of Errata's")
        }
        guard image[7] == magic[7] else {
            throw ArchiveError("its format is version \(image[7]), expected version \(magic[7])")
        }
        let length = image[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length == UInt64(image.count) else {
            throw ArchiveError(
                "it has \(image.count) bytes, its header says \(length): it is cut off or damaged")
        }
        var unsigned = image
        unsigned.replaceSubrange(digest, with: repeatElement(0, count: digest.count))
        guard unsigned.withUnsafeBytes({ SHA256.digest($0) }).elementsEqual(image[digest]) else {
            throw ArchiveError("its contents do not have the digest in its header: it is damaged")
        }
        return try HDF5.archive(of: image)
    }

    private static func littleEndian(_ value: UInt64) -> [UInt8] {
        (0..<8).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
    }
}
