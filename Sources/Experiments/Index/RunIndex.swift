import ErrataCore
import Foundation
import GRDB

/// The index of a folder's runs, an SQLite database: what their files say, to be queried. The files are the truth: what
/// has changed is read again at each opening, and an index that is lost or damaged is made anew.
public struct RunIndex {
    public let folder: String
    /// What could not be read, a line each.
    public private(set) var notices: [String] = []
    private var database: DatabaseQueue

    private static let version = 1

    /// The database within a folder.
    static func path(in folder: String) -> String { "\(folder)/index.sqlite" }

    /// Opens a folder's index and brings it up to date. Where the folder cannot be written, the index is in memory.
    ///
    /// - Parameter folder: whose directories are runs.
    /// - Throws: `FileError` if there is no such folder.
    public init(of folder: String) throws {
        let folder = RunDirectory(folder).path
        self.folder = folder
        guard exists(folder) else { throw FileError(folder, "there is no such folder") }
        let path = Self.path(in: folder)
        do {
            database = try Self.open(path)
            try refresh()
        } catch let error as DatabaseError
            where [.SQLITE_CORRUPT, .SQLITE_NOTADB].contains(error.resultCode)
        {
            try FileManager.default.removeItem(atPath: path)
            database = try Self.open(path)
            try refresh()
        }
    }

    private static func open(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(10)
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.write(prepare)
            return queue
        } catch let error as DatabaseError
            where [.SQLITE_READONLY, .SQLITE_CANTOPEN].contains(error.resultCode)
        {
            let queue = try DatabaseQueue(configuration: configuration)
            try queue.write(prepare)
            return queue
        }
    }

    /// Makes the tables, where they are not there in this version's form.
    private static func prepare(_ database: Database) throws {
        let found = try Int.fetchOne(database, sql: "PRAGMA user_version")
        guard found != version else { return }
        for table in ["run", "setting", "trial"] {
            try database.execute(sql: "DROP TABLE IF EXISTS \(table)")
        }
        try database.create(table: "run") { table in
            table.column("directory", .text).notNull()
            table.column("kind", .text).notNull()
            table.column("name", .text).notNull()
            table.column("isFinished", .boolean).notNull()
            table.column("epochs", .integer).notNull()
            table.column("seconds", .double)
            table.column("validationAccuracy", .double)
            table.column("testError", .double)
            table.column("testLoss", .double)
            table.column("parameters", .integer)
            table.column("stamp", .text).notNull()
            table.primaryKey(["directory", "kind"])
        }
        try database.create(table: "setting") { table in
            table.column("directory", .text).notNull()
            table.column("kind", .text).notNull()
            table.column("path", .text).notNull()
            table.column("value", .text).notNull()
            table.column("number", .double)
            table.primaryKey(["directory", "kind", "path"])
            table.foreignKey(["directory", "kind"], references: "run", onDelete: .cascade)
        }
        try database.create(table: "trial") { table in
            table.column("sweep", .text).notNull()
            table.column("name", .text).notNull()
            table.column("directory", .text).notNull()
        }
        try database.execute(sql: "PRAGMA user_version = \(version)")
    }

    // MARK: Bringing up to date

    private mutating func refresh() throws {
        let known = try database.read { try RecordedRun.fetchAll($0) }
        let kept = Dictionary(uniqueKeysWithValues: known.map { ($0.title, $0) })
        var changed: [(run: RecordedRun, settings: [RecordedSetting])] = []
        var found: Set<String> = []
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        for name in names {
            for kind in [RunKind.search, .evaluation] {
                let directory = RunDirectory("\(folder)/\(name)")
                let title = RecordedRun(name, kind).title
                do {
                    guard let read = try directory.recorded(kind, unlike: kept[title]) else {
                        continue
                    }
                    found.insert(title)
                    if read.run != kept[title] { changed.append(read) }
                } catch {
                    notices.append("\(error)")
                }
            }
        }
        let gone = known.filter { !found.contains($0.title) }
        let library = RunLibrary(folder)
        var trials: [(sweep: String, trial: SweepRecord.Trial)] = []
        for sweep in library.sweeps {
            do { trials += try library.trials(of: sweep).map { (sweep, $0) } } catch {
                notices.append("\(error)")
            }
        }
        try database.write { [changed, trials] database in
            for run in gone + changed.map(\.run) { _ = try run.delete(database) }
            for (run, settings) in changed {
                try run.insert(database)
                for setting in settings { try setting.insert(database) }
            }
            try database.execute(sql: "DELETE FROM trial")
            for (sweep, trial) in trials {
                for directory in [trial.search, trial.evaluation] where !directory.isEmpty {
                    try database.execute(
                        sql: "INSERT INTO trial VALUES (?, ?, ?)", arguments: [sweep, trial.name, directory])
                }
            }
        }
    }

    // MARK: Asking

    /// Which runs are wanted.
    public struct Query: Sendable {
        /// Settings by their paths; numbers are compared as numbers.
        public var settings: [(path: String, value: String)] = []
        public var kind: RunKind?
        public var isFinished: Bool?
        /// The runs of a sweep's trials.
        public var sweep: String?

        public init() {}
    }

    /// The runs that a query wants, by directory.
    ///
    /// - Throws: if the database cannot be read.
    public func runs(_ query: Query = Query()) throws -> [RecordedRun] {
        var conditions = ["1"]
        var arguments = StatementArguments()
        if let kind = query.kind {
            conditions.append("kind = ?")
            arguments += [kind.rawValue]
        }
        if let isFinished = query.isFinished {
            conditions.append("isFinished = ?")
            arguments += [isFinished]
        }
        if let sweep = query.sweep {
            conditions.append("directory IN (SELECT directory FROM trial WHERE sweep = ?)")
            arguments += [sweep]
        }
        for (path, value) in query.settings {
            conditions.append(
                "EXISTS (SELECT 1 FROM setting WHERE setting.directory = run.directory AND setting.kind = run.kind "
                    + "AND path = ? AND (value = ? OR number = ?))")
            arguments += [path, value, Double(value)]
        }
        let sql =
            "SELECT * FROM run WHERE \(conditions.joined(separator: " AND ")) ORDER BY kind DESC, name, directory"
        return try database.read { try RecordedRun.fetchAll($0, sql: sql, arguments: arguments) }
    }

    /// A run's settings by their paths.
    ///
    /// - Throws: if the database cannot be read.
    public func settings(of run: RecordedRun) throws -> [String: String] {
        try database.read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT path, value FROM setting WHERE directory = ? AND kind = ?",
                arguments: [run.directory, run.kind.rawValue])
            return Dictionary(uniqueKeysWithValues: rows.map { ($0["path"], $0["value"]) })
        }
    }

    /// The sweeps' trials that a run belongs to, as `SWEEP: TRIAL`.
    ///
    /// - Throws: if the database cannot be read.
    public func trials(of run: RecordedRun) throws -> [String] {
        try database.read {
            try String.fetchAll(
                $0, sql: "SELECT sweep || ': ' || name FROM trial WHERE directory = ? ORDER BY 1",
                arguments: [run.directory])
        }
    }

    /// Deletes a run's directory and all in it.
    ///
    /// - Throws: `RunInUseError` if a process is at it, `FileError` if it cannot be deleted.
    public func remove(_ run: RecordedRun) throws {
        let directory = RunDirectory("\(folder)/\(run.directory)")
        let lock = try RunLock(directory.lock)
        defer { withExtendedLifetime(lock) {} }
        do { try FileManager.default.removeItem(atPath: directory.path) } catch {
            throw FileError(directory.path, "cannot be deleted: \(error.localizedDescription)")
        }
        _ = try database.write { try RecordedRun.filter(Column("directory") == run.directory).deleteAll($0) }
    }
}
