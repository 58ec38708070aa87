/// The members of a tar archive, plain or gzipped, in their order: POSIX.1's ustar and pax, and GNU's long names.
package final class TarReader {
    /// A file of the archive, or something else that it names.
    package struct Member: Sendable, Hashable {
        /// Its path in the archive.
        package let name: String
        /// In bytes.
        package let size: Int
        /// Whether it is a regular file, and no directory, link or device.
        package let isFile: Bool
        /// Where its header begins in the archive, uncompressed.
        package let offset: Int

        /// What follows the last slash of its path.
        package var lastComponent: String { name.split(separator: "/").last.map(String.init) ?? "" }
    }

    private static let block = 512
    /// The most bytes of a long name or a pax header.
    private static let longestHeader = 1 << 20

    package let path: String
    private let stream: ByteStream
    private var offset = 0
    /// What is left of the latest member, and the bytes that fill its last block.
    private var (contents, padding) = (0, 0)

    /// - Throws: `FileError` if the file cannot be read, `DatasetError` if its compressed data are unsound.
    package init(_ path: String) throws {
        self.path = path
        stream = try ByteStream(path)
    }

    /// The next member; `nil` after the last. What was not read of the one before is skipped.
    ///
    /// - Throws: `FileError`; `DatasetError` if the archive is damaged, with the byte.
    package func next() throws -> Member? {
        var (longName, longSize): (String?, Int?) = (nil, nil)
        while true {
            try skip(contents + padding)
            let start = offset
            let header = try read(Self.block, of: "a member's header")
            if header.allSatisfy({ $0 == 0 }) {
                try readToEnd()
                return nil
            }
            try checkSum(of: header, at: start)
            let size = try longSize ?? number(header[124..<136], at: start + 124)
            (contents, padding) = (size, (Self.block - size % Self.block) % Self.block)
            switch header[156] {
            case UInt8(ascii: "L"): longName = Self.text(try headerContents(at: start)[...])
            case UInt8(ascii: "x"):
                let records = try paxRecords(try headerContents(at: start), at: start + Self.block)
                longName = records["path"] ?? longName
                if let text = records["size"] {
                    longSize = Int(text)
                    try require(
                        longSize.map { (0...Int.max - Self.block).contains($0) } ?? false, at: start,
                        "a pax header gives '\(text)' for a size")
                }
            case UInt8(ascii: "g"), UInt8(ascii: "K"): break
            case let type:
                return Member(
                    name: longName ?? Self.name(header), size: size,
                    isFile: [0, UInt8(ascii: "0"), UInt8(ascii: "7")].contains(type), offset: start)
            }
        }
    }

    /// What the latest member contains and has not been read.
    ///
    /// - Parameter limit: in bytes; 1 GiB by default.
    /// - Throws: `FileError`; `DatasetError` if it is larger than the limit, or the archive is damaged.
    package func readContents(limit: Int = 1 << 30) throws -> [UInt8] {
        try require(
            contents <= limit, at: offset, "a member has \(contents) bytes, expected at most \(limit)")
        defer { contents = 0 }
        return try read(contents, of: "a member's contents")
    }

    // MARK: Headers

    private func headerContents(at start: Int) throws -> [UInt8] {
        try require(
            contents <= Self.longestHeader, at: start, "a name or pax header of \(contents) bytes")
        return try readContents()
    }

    /// The sum of the header's bytes, where the eight that say what it is count as spaces.
    private func checkSum(of header: [UInt8], at start: Int) throws {
        let field = 148..<156
        let sum = header.indices.reduce(0) { $0 + (field.contains($1) ? 32 : Int(header[$1])) }
        let claimed = try number(header[field], at: start + field.lowerBound)
        try require(claimed == sum, at: start, "the header's checksum is \(claimed), expected \(sum)")
    }

    /// Octal digits between spaces and up to a null byte, or GNU's binary form.
    private func number(_ field: ArraySlice<UInt8>, at start: Int) throws -> Int {
        if field.first == 0x80 {
            let digits = field.dropFirst(field.count - 8)
            let value = digits.reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            try require(
                field.dropFirst().dropLast(8).allSatisfy { $0 == 0 } && value < UInt64(Int.max) / 2,
                at: start, "a size that no file has")
            return Int(value)
        }
        let digits = field.prefix { $0 != 0 }.filter { $0 != UInt8(ascii: " ") }
        try require(
            digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "7")).contains($0) }, at: start,
            "no octal number")
        return digits.reduce(0) { $0 << 3 | Int($1 - UInt8(ascii: "0")) }
    }

    /// Records `LENGTH KEY=VALUE\n`, where the length is the whole record's.
    private func paxRecords(_ bytes: [UInt8], at start: Int) throws -> [String: String] {
        var records: [String: String] = [:]
        var rest = bytes[...]
        while let first = rest.first, first != 0 {
            let digits = rest.prefix { $0 != UInt8(ascii: " ") }
            guard digits.count <= 7, let length = Int(Self.text(digits)), length <= rest.count,
                length > digits.count + 1, rest[rest.startIndex + length - 1] == UInt8(ascii: "\n"),
                let equals = rest.prefix(length).firstIndex(of: UInt8(ascii: "="))
            else { throw damage(at: start + rest.startIndex, "no pax record") }
            let key = rest[
                (rest.startIndex + digits.count + 1)..<max(equals, rest.startIndex + digits.count + 1)]
            records[Self.text(key)] = Self.text(rest[(equals + 1)..<(rest.startIndex + length - 1)])
            rest = rest.dropFirst(length)
        }
        return records
    }

    private static func name(_ header: [UInt8]) -> String {
        let isPOSIX = Array(header[257..<263]) == Array("ustar\0".utf8)
        let prefix = isPOSIX ? text(header[345..<500]) : ""
        return (prefix.isEmpty ? "" : prefix + "/") + text(header[0..<100])
    }

    private static func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }

    // MARK: Bytes

    private func read(_ count: Int, of what: String) throws -> [UInt8] {
        let bytes = try stream.bytes(count, of: "\(what) at byte \(offset), cut short or damaged")
        offset += count
        return bytes
    }

    private func skip(_ count: Int) throws {
        var rest = count
        while rest > 0 {
            let piece = min(rest, 1 << 20)
            _ = try read(piece, of: "a member's contents")
            rest -= piece
        }
        (contents, padding) = (0, 0)
    }

    /// Only at its end is the checksum of compressed data known to be right.
    private func readToEnd() throws {
        try withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 16) { piece in
            while try stream.read(into: piece) == piece.count {}
        }
    }

    private func require(_ condition: Bool, at byte: Int, _ reason: @autoclosure () -> String) throws {
        if !condition { throw damage(at: byte, reason()) }
    }

    private func damage(at byte: Int, _ reason: String) -> DatasetError {
        DatasetError(
            path,
            "byte \(byte)\(stream.isCompressed ? " of the uncompressed archive" : ""): \(reason): this is no tar "
                + "archive, or a damaged one: get it anew")
    }
}
