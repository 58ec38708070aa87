import Datasets
import Foundation

/// A CSV file that grows by a row a step, or by rows an epoch (RFC 4180, lines ended by a line feed). Numbers are
/// written so that they read back the same.
public final class MetricsTable {
    public let path: String
    public let columns: [String]
    /// What a table that goes on has lost, a line to say; `nil` if all steps have rows.
    public let gap: String?
    private let descriptor: Int32

    /// - Parameters:
    ///   - path: of the file.
    ///   - columns: the first is the step, from 1, which `keepingUpTo` compares. Rows of one step follow each other.
    ///   - step: the last step whose rows are kept of a table that is there; others are cut off, so that a
    ///     resumed run does not write a step twice, and with them what a killed run wrote of a row. `nil` begins
    ///     anew.
    /// - Throws: `FileError` if the table there has other columns, is damaged in a row to keep, or cannot be
    ///   written.
    public init(_ path: String, columns: [String], keepingUpTo step: Int?) throws {
        self.path = path
        self.columns = columns
        var contents = Array(CSV.line(columns).utf8)
        var kept = KeptRows()
        let isThere = access(path, F_OK) == 0
        if let step, isThere {
            let found = try RegularFile.contents(of: path)
            guard found.starts(with: contents) else {
                throw FileError(path, "has other columns than this version writes; move it away to go on")
            }
            kept = try KeptRows(of: found[contents.count...], upTo: step, columns: columns.count, path)
            contents += kept.bytes
        }
        let lost = kept.lost + (kept.step < step ?? 0 ? [(kept.step + 1)...(step ?? 0)] : [])
        let spans = lost.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound) to \($0.upperBound)" }
        gap =
            lost.isEmpty
            ? nil
            : "\(path) \(isThere ? "has lost" : "is gone, and with it") the rows of \(columns[0]) "
                + spans.joined(separator: ", ")
        try AtomicFile.write(contents, to: path)
        descriptor = open(path, O_WRONLY | O_APPEND | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileError.system(path, "cannot be opened") }
    }

    deinit { close(descriptor) }

    /// - Parameters:
    ///   - values: by column; what is missing is left empty, what is no number too.
    ///   - texts: by column, of columns that hold none.
    /// - Throws: `FileError` if the disk is full or the like.
    public func append(_ values: [String: Double], texts: [String: String] = [:]) throws {
        let row = columns.map { values[$0].map(Self.text) ?? texts[$0] ?? "" }
        let line = Array(CSV.line(row).utf8)
        guard line.withUnsafeBytes({ writeAll($0, to: descriptor) }) else {
            throw FileError.system(path, "cannot be written")
        }
    }

    /// Makes all rows last. A checkpoint that counts them is written after that.
    ///
    /// - Throws: `FileError` if the disk is full or the like.
    public func flush() throws {
        guard fsync(descriptor) == 0 || AtomicFile.isUnsupported(errno) else {
            throw FileError.system(path, "cannot be flushed to disk")
        }
    }

    private static func text(_ value: Double) -> String {
        guard value.isFinite else { return "" }
        let isShort = abs(value) < 1e15 && !(value == 0 && value.sign == .minus)
        return isShort ? Int(exactly: value).map(String.init) ?? "\(value)" : "\(value)"
    }
}

/// The rows of a table up to a step.
private struct KeptRows {
    var bytes: ArraySlice<UInt8> = []
    /// The step of the last row; 0 if there is none.
    var step = 0
    /// The steps before it that have no row.
    var lost: [ClosedRange<Int>] = []

    init() {}

    init(of body: ArraySlice<UInt8>, upTo end: Int, columns: Int, _ path: String) throws {
        var rest = body
        var row = 2
        while let fields = CSV.nextRow(&rest) {
            guard fields.count == columns, let found = Int(CSV.text(fields[0])), found >= step else {
                throw FileError(
                    path,
                    "row \(row) has not \(columns) fields that begin with a step from \(step); repair it or move "
                        + "the file away")
            }
            guard found <= end else { break }
            if found > step + 1 { lost.append((step + 1)...(found - 1)) }
            (bytes, step, row) = (body[..<rest.startIndex], found, row + 1)
        }
    }
}
