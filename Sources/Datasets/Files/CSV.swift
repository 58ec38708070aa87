/// Comma-separated values (RFC 4180).
enum CSV {
    struct Row {
        /// From 1, where the row begins.
        let line: Int
        let fields: [String]
    }

    /// The rows' fields of some columns, in their order.
    ///
    /// - Throws: `FileError` if the file cannot be read; `DatasetError` with the line if the header lacks a column, a
    ///   row has another number of fields, or a quote does not end.
    static func rows(of path: String, columns: [String]) throws -> [Row] {
        var rows = try parse(RegularFile.contents(of: path), path)[...]
        guard let header = rows.popFirst() else {
            throw DatasetError(path, "is empty, expected a header with \(columns.joined(separator: " and "))")
        }
        let places = try columns.map { column in
            guard let place = header.fields.firstIndex(of: column) else {
                throw DatasetError(
                    path,
                    "line 1: no column '\(column)' in the header '\(header.fields.joined(separator: ","))'")
            }
            return place
        }
        return try rows.map { row in
            try require(
                row.fields.count == header.fields.count, path,
                "line \(row.line): \(row.fields.count) fields, expected \(header.fields.count) as in the header"
            )
            return Row(line: row.line, fields: places.map { row.fields[$0] })
        }
    }

    static func quoted(_ field: String) -> String {
        guard field.contains(where: { "\",\r\n".contains($0) }) else { return field }
        return
            "\"\(field.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\""))\""
    }

    private static func parse(_ bytes: [UInt8], _ path: String) throws -> [Row] {
        let (quote, comma, newline, carriage) = (
            UInt8(ascii: "\""), UInt8(ascii: ","), UInt8(ascii: "\n"), UInt8(ascii: "\r")
        )
        var (rows, fields, field): ([Row], [String], [UInt8]) = ([], [], [])
        var (line, first, isQuoted, hadQuote) = (1, 1, false, false)
        func text() throws -> String {
            guard let text = String(validating: field, as: UTF8.self) else {
                throw DatasetError(path, "line \(line): not UTF-8")
            }
            return text
        }
        func endRow() throws {
            if fields.isEmpty && field.isEmpty && !hadQuote { return }
            rows.append(Row(line: first, fields: fields + [try text()]))
            (fields, field, hadQuote) = ([], [], false)
        }
        var index = bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? 3 : 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            if byte == newline { line += 1 }
            if isQuoted {
                if byte != quote {
                    field.append(byte)
                } else if index < bytes.count && bytes[index] == quote {
                    field.append(quote)
                    index += 1
                } else {
                    isQuoted = false
                }
                continue
            }
            switch byte {
            case quote where field.isEmpty && !hadQuote: (isQuoted, hadQuote) = (true, true)
            case comma:
                fields.append(try text())
                (field, hadQuote) = ([], false)
            case newline:
                try endRow()
                first = line
            case carriage where index == bytes.count || bytes[index] == newline: break
            default: field.append(byte)
            }
        }
        try require(!isQuoted, path, "line \(first): a quote that does not end")
        try endRow()
        return rows
    }
}
