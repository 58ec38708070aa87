import ErrataCore
import Foundation

/// The benchmark's results of all cells.
public protocol NASBench201Table: Sendable {
    /// The results that it has of each cell, in percent.
    var columns: [String] { get }

    /// - Throws: `NASBench201TableError` if the cell is not in it, or its results cannot be read.
    func values(of genotype: NASBench201Genotype) throws -> [String: Double]
}

/// What is wrong with a table of results.
public struct NASBench201TableError: Error, Hashable, CustomStringConvertible {
    public let description: String

    init(_ path: String, _ message: String) { description = "\(path): \(message)" }
}

/// A table of whatever form stands at a path.
func readTable(at path: String) throws -> any NASBench201Table {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
        throw NASBench201TableError(
            path,
            "not found, expected a table of NAS-Bench-201's results: a CSV file with the columns 'arch' and results, "
                + "or the folder of NATS-Bench's topology search space"
        )
    }
    return try isDirectory.boolValue ? NATSBenchTable(path) : NASBench201CSV(path)
}

/// A CSV file: a heading, whose column `arch` has cells as text, and all others results in percent.
struct NASBench201CSV: NASBench201Table {
    let columns: [String]
    private let path: String
    private let rows: [NASBench201Genotype: [Double]]

    init(_ path: String) throws {
        self.path = path
        guard let data = FileManager.default.contents(atPath: path),
            let text = String(data: data, encoding: .utf8)
        else { throw NASBench201TableError(path, "cannot be read as a text of UTF-8") }
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        func cells(_ line: Substring) -> [String] {
            line.split(separator: ",", omittingEmptySubsequences: false).map {
                $0.trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
            }
        }
        let heading = cells(lines.first ?? "")
        guard let place = heading.firstIndex(of: "arch"), heading.count > 1,
            Set(heading).count == heading.count
        else {
            throw NASBench201TableError(
                path, "1: the columns \(heading), expected 'arch' and results, no name twice")
        }
        columns = heading.filter { $0 != "arch" }
        var rows: [NASBench201Genotype: [Double]] = [:]
        for (index, line) in lines.enumerated().dropFirst() where !line.allSatisfy(\.isWhitespace) {
            var cells = cells(line)
            func fail(_ message: String) -> NASBench201TableError {
                NASBench201TableError(path, "\(index + 1): \(message)")
            }
            guard cells.count == heading.count else {
                throw fail("\(cells.count) values, expected \(heading.count)")
            }
            let text = cells.remove(at: place)
            let genotype: NASBench201Genotype
            do { genotype = try NASBench201Genotype(parsing: text) } catch { throw fail("\(error)") }
            rows[genotype] = try zip(columns, cells).map { column, cell in
                guard let value = Double(cell), (0...100).contains(value) else {
                    throw fail("\(column) '\(cell)', expected a percentage")
                }
                return value
            }
        }
        self.rows = rows
    }

    func values(of genotype: NASBench201Genotype) throws -> [String: Double] {
        guard let row = rows[genotype] else {
            throw NASBench201TableError(path, "\(genotype) is not in the table of \(rows.count) cells")
        }
        return Dictionary(uniqueKeysWithValues: zip(columns, row))
    }
}
