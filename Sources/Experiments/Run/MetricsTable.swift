import Foundation

/// A CSV file that grows by a row a step (RFC 4180). Numbers are written so that they read back the same.
public final class MetricsTable {
    public let path: String
    public let columns: [String]
    private let handle: FileHandle

    /// - Parameters:
    ///   - columns: the first is the step, which `keepingUpTo` compares.
    ///   - keepingUpTo: the last step whose row is kept of a table that is there; others are cut off, so that a
    ///     resumed run does not write a step twice. `nil` begins anew.
    /// - Throws: `FileError` if the table there has other columns or cannot be written.
    public init(_ path: String, columns: [String], keepingUpTo step: Int?) throws {
        self.path = path
        self.columns = columns
        var lines = [columns.joined(separator: ",")]
        if let step, access(path, F_OK) == 0 {
            let text = String(decoding: try AtomicFile.read(path), as: UTF8.self)
            let found = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
            guard found.first.map(String.init) == lines[0] else {
                throw FileError(path, "has other columns than this version writes; move it away to go on")
            }
            lines += found.dropFirst().map(String.init).prefix { line in
                line.split(separator: ",", omittingEmptySubsequences: false).count == columns.count
                    && line.prefix { $0 != "," }.isEmpty == false
                    && Int(line.prefix { $0 != "," }).map { $0 <= step } ?? false
            }
        }
        try AtomicFile.write(lines.joined(separator: "\n") + "\n", to: path)
        guard let handle = FileHandle(forWritingAtPath: path) else {
            throw FileError.system(path, "cannot be opened")
        }
        self.handle = handle
        try handle.seekToEnd()
    }

    /// - Parameter values: by column; what is missing is left empty, what is no number too.
    /// - Throws: `FileError` if the disk is full or the like.
    public func append(_ values: [String: Double]) throws {
        let row = columns.map { column in
            values[column].map { value in
                value == value.rounded() && abs(value) < 1e15
                    ? "\(Int(value))" : value.isFinite ? "\(value)" : ""
            } ?? ""
        }
        do {
            try handle.write(contentsOf: Data((row.joined(separator: ",") + "\n").utf8))
        } catch {
            throw FileError(path, "cannot be written: \(error)")
        }
    }
}
