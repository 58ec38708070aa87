import Datasets
import Foundation

/// A table that a run has written, as it can be read while the run goes on.
public struct CSVTable: Sendable {
    public let columns: [String]
    /// As texts; a row that is being written is left out.
    public let rows: [[String]]

    /// How much of a file's end `latest` reads, in bytes.
    private static let tail = 1 << 16

    /// The whole table.
    ///
    /// - Returns: nil where there is no such file, or nothing in it.
    /// - Throws: `FileError` if the file cannot be read.
    public init?(_ path: String) throws {
        guard exists(path) else { return nil }
        self.init(try RegularFile.contents(of: path))
    }

    /// The last rows of a table, however long it is.
    ///
    /// - Returns: nil where there is no such file, or it cannot be read.
    static func latest(_ path: String) -> CSVTable? {
        guard let file = FileHandle(forReadingAtPath: path), let size = try? file.seekToEnd() else {
            return nil
        }
        defer { try? file.close() }
        guard size > tail else { return (try? CSVTable(path)) ?? nil }
        try? file.seek(toOffset: 0)
        guard let head = try? file.read(upToCount: tail), let end = head.firstIndex(of: UInt8(ascii: "\n")),
            (try? file.seek(toOffset: size - UInt64(tail))) != nil, let last = try? file.readToEnd(),
            let start = last.firstIndex(of: UInt8(ascii: "\n"))
        else { return nil }
        return CSVTable(Array(head[...end] + last[(start + 1)...]))
    }

    private init?(_ bytes: [UInt8]) {
        var rest = bytes[...]
        func next() -> [String]? { CSV.nextRow(&rest).map { $0.map(CSV.text) } }
        guard let columns = next() else { return nil }
        var rows: [[String]] = []
        while let row = next() {
            if row.count == columns.count { rows.append(row) }
        }
        (self.columns, self.rows) = (columns, rows)
    }

    /// A column's numbers, nil where a field is empty; nil where there is no such column.
    public func numbers(_ column: String) -> [Double?]? {
        columns.firstIndex(of: column).map { index in rows.map { Double($0[index]) } }
    }

    /// The last number of a column.
    func last(_ column: String) -> Double? { numbers(column)?.last ?? nil }
}
