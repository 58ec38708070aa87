import Foundation

/// A CSV file that grows by a row a step (RFC 4180, lines ended by a line feed). Numbers are written so that they
/// read back the same.
public final class MetricsTable {
    public let path: String
    public let columns: [String]
    private let handle: FileHandle

    /// - Parameters:
    ///   - columns: the first is the step, which `keepingUpTo` compares.
    ///   - keepingUpTo: the last step whose row is kept of a table that is there; others are cut off, so that a
    ///     resumed run does not write a step twice, and with them what a killed run wrote of a row. `nil` begins
    ///     anew.
    /// - Throws: `FileError` if the table there has other columns, is damaged in a row to keep, or cannot be
    ///   written.
    public init(_ path: String, columns: [String], keepingUpTo step: Int?) throws {
        self.path = path
        self.columns = columns
        var contents = Array((columns.map(Self.quoted).joined(separator: ",") + "\n").utf8)
        if let step, access(path, F_OK) == 0 {
            let found = try AtomicFile.read(path)
            guard found.starts(with: contents) else {
                throw FileError(path, "has other columns than this version writes; move it away to go on")
            }
            contents += try Self.rows(
                of: found[contents.count...], upTo: step, columns: columns.count, path)
        }
        try AtomicFile.write(contents, to: path)
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw FileError.system(path, "cannot be opened")
        }
        self.handle = handle
        try handle.seekToEnd()
    }

    /// - Parameters:
    ///   - values: by column; what is missing is left empty, what is no number too.
    ///   - texts: by column as well.
    /// - Throws: `FileError` if the disk is full or the like.
    public func append(_ values: [String: Double], texts: [String: String] = [:]) throws {
        let row = columns.map { texts[$0].map(Self.quoted) ?? values[$0].map(Self.text) ?? "" }
        do {
            try handle.write(contentsOf: Data((row.joined(separator: ",") + "\n").utf8))
        } catch {
            throw FileError(path, "cannot be written: \(error)")
        }
    }

    /// The rows up to a step.
    private static func rows(of body: ArraySlice<UInt8>, upTo step: Int, columns: Int, _ path: String) throws
        -> ArraySlice<UInt8>
    {
        var (end, line) = (body.startIndex, 2)
        while let lineEnd = Self.lineEnd(of: body[end...]) {
            let fields = Self.fields(of: body[end..<lineEnd])
            guard fields.count == columns, let found = Int(String(decoding: fields[0], as: UTF8.self)) else {
                throw FileError(
                    path, "line \(line) is no row of \(columns) values; repair it or move the file away")
            }
            guard found <= step else { break }
            (end, line) = (lineEnd + 1, line + 1)
        }
        return body[..<end]
    }

    /// Where a row ends, outside of quotes.
    private static func lineEnd(of rest: ArraySlice<UInt8>) -> Int? {
        var isQuoted = false
        return rest.firstIndex { byte in
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            return byte == UInt8(ascii: "\n") && !isQuoted
        }
    }

    private static func fields(of row: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
        var isQuoted = false
        return row.split(omittingEmptySubsequences: false) { byte in
            if byte == UInt8(ascii: "\"") { isQuoted.toggle() }
            return byte == UInt8(ascii: ",") && !isQuoted
        }
    }

    private static func quoted(_ name: String) -> String {
        guard name.contains(where: { ",\"\r\n".contains($0) || $0 == "\r\n" }) else { return name }
        return "\"\(name.replacingOccurrences(of: "\"", with: "\"\""))\""
    }

    private static func text(_ value: Double) -> String {
        guard value.isFinite else { return "" }
        let isShort = abs(value) < 1e15 && !(value == 0 && value.sign == .minus)
        return isShort ? Int(exactly: value).map(String.init) ?? "\(value)" : "\(value)"
    }
}
